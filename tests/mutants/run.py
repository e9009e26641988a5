#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Breaks one rule at a time and says which test notices.

  run.py [--quick] [WORD ...]

The files *.txt beside this one hold the mutants, each a block of lines:

    == NAME
    in FILE                     below src/; may come again, for rules in several files
    by TEST ...                 who is expected to notice: unit/test_X, dialog, power/PART,
                                fuzz/X, or sim/N: the first N odd seeds of the simulator
    - text that the file has exactly once
    + what replaces it
    spare REASON                another rule backs this one up: it may survive

Lines of one `-` or `+` group belong together, white space at their ends does not
count.  A mutant that the tests of its `by` line pass is given to every test there
is before it is called a survivor.  WORD takes only the mutants whose block
contains it; --quick only those that unit tests or dialogues are to notice.  The
work is done on copies of the tree in build/mutants.  Ends with 1 when a mutant
survives that may not, or a text is not where it was.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, "build", "mutants")
B = "build/linux"
COPIED = ("Makefile", "Kconfig", "src", "port", "boards", "tests")
POWER_PARTS = ("cuts", "file", "unstable", "recovery", "filling", "wrap", "bootloop", "faults",
               "launder", "flip", "rot")
FUZZ_SECONDS = "20"
SEEDS = 300   # of the simulator, for a mutant that nothing else has noticed
TIMEOUT_S = 240
QUICK_S = 30     # of a unit test or the dialogues
NO_BUILD = "does not compile: "
CAUSE = re.compile(r"^(?:\[ +(?:ERROR|FAILED) +\].*|.*(?:FAILED|failed|nor:|expected|not as|must be:|ERROR: ).*)$", re.M)


def is_quick(test):
    return not test.startswith(("power/", "fuzz/", "sim/"))


class Mutant:
    def __init__(self, name):
        self.name = name
        self.changes = []   # (file, old, new)
        self.by = []
        self.spare = None

    def is_quick(self):
        return all(is_quick(test) for test in self.by)


def parse(path):
    """The mutants of one file; a line that is none of ours ends the program."""
    mutants, file, last = [], None, ""
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip()
        word, _, rest = line.partition(" ")
        if word in ("-", "+") and file:
            changes = mutants[-1].changes
            if word == "-" and last != "-":
                changes.append([file, [], []])
            changes[-1][1 if word == "-" else 2].append(rest.strip())
        elif word == "==":
            mutants.append(Mutant(rest))
            file = None
        elif word == "in" and mutants:
            file = os.path.join("src", rest)
        elif word == "by" and mutants:
            mutants[-1].by = rest.split()
        elif word == "spare" and mutants:
            mutants[-1].spare = rest
        elif line and word != "#":
            sys.exit("%s:%d: not a line of a mutant: %s" % (path, number, line))
        last = word
    for mutant in mutants:
        if not mutant.by or not mutant.changes:
            sys.exit("%s: %s: it needs `in`, `by` and a change" % (path, mutant.name))
    return mutants


def replaced(text, old, new):
    """TEXT with the lines OLD, wherever they are indented, as NEW; None unless found once."""
    pattern = r"[ \t]*\n[ \t]*".join(re.escape(line) for line in old)
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        return None
    return text[:found[0].start()] + "\n".join(new) + text[found[0].end():]


def how(test):
    """What make is to be told to build TEST, and the command that runs it."""
    kind, _, name = test.partition("/")
    if kind == "sim":
        program = "build/sim/wide/sim"
        return (["B=build/sim/wide", "CONFIG=port/sim/config/wide", program],
                [program, "1", name, "2"])
    if kind == "fuzz":
        return (["SANITIZE=fuzz", "%s-fuzz/tests/fuzz/fuzz_%s" % (B, name)],
                [sys.executable, "tests/fuzz/run.py", B + "-fuzz", FUZZ_SECONDS, name])
    program = "%s/tests/%s" % (B, {"dialog": "dialog/dialog", "power": "power/power"}.get(kind, test))
    return [program], [program] + (["ci", name] if kind == "power" else [])


class Tree:
    """A copy of the repository with everything built, where one mutant at a time lives."""

    def __init__(self, path):
        self.path = path

    def make(self, *words):
        command = ["make", "-s", "-j2", "SETUP=0", "CFLAGS=-O1 -w", "BOARD=linux", *words]
        return subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False,
                              timeout=TIMEOUT_S * 4, env=dict(os.environ, MAKELEVEL="0", MAKEFLAGS=""))

    def run(self, test):
        """None if TEST passes, or what it said."""
        words, command = how(test)
        made = self.make(*words)
        if made.returncode:
            return NO_BUILD + made.stderr.strip().split("\n")[0]
        try:
            ran = subprocess.run(command, cwd=self.path, stdin=subprocess.DEVNULL,
                                 timeout=QUICK_S if is_quick(test) else TIMEOUT_S,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", check=False)
        except subprocess.TimeoutExpired:
            return "does not end"
        if ran.returncode == 0:
            return None
        cause = CAUSE.search(ran.stdout)
        return cause.group(0).strip() if cause else "ends with %d" % ran.returncode

    def judge(self, mutant):
        """(verdict, by, why): killed, survived, spare or stale."""
        kept = {}
        try:
            for file, old, new in mutant.changes:
                path = os.path.join(self.path, file)
                text = open(path, encoding="utf-8").read()
                kept.setdefault(path, text)
                changed = replaced(text, old, new)
                if changed is None:
                    return "stale", "", "%s does not have this once: %s" % (file, old[0])
                with open(path, "w", encoding="utf-8") as out:
                    out.write(changed)
            for test in mutant.by + [t for t in all_tests(kept) if t not in mutant.by]:
                why = self.run(test)
                if why and why.startswith(NO_BUILD):
                    return "stale", "", why
                if why:
                    return "killed", test, why
            return ("spare" if mutant.spare else "survived"), "", mutant.spare or ""
        finally:
            for path, text in kept.items():
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)


def all_tests(changed):
    """Every test that can notice a change in these files; the power cuts see only the queue."""
    units = sorted(glob.glob(os.path.join(TOP, "tests/unit/test_*.c")))
    power = [part for part in POWER_PARTS if any("/src/queue/" in path for path in changed)]
    return (["unit/" + os.path.basename(path)[:-2] for path in units] + ["dialog"] +
            ["power/" + part for part in power] + ["sim/%d" % SEEDS])


def copy_tree(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    for name in COPIED:
        subprocess.run(["cp", "-a", os.path.join(TOP, name), path], check=True)
    return Tree(path)


def main(words):
    quick = "--quick" in words
    words = [word for word in words if word != "--quick"]
    mutants = [m for path in sorted(glob.glob(HERE + "/*.txt")) for m in parse(path)]
    chosen = [m for m in mutants if (not quick or m.is_quick()) and
              all(word in " ".join([m.name, *m.by, *(c[0] for c in m.changes)]) for word in words)]
    if not chosen:
        sys.exit("no such mutant")
    os.makedirs(WORK, exist_ok=True)
    alone = open(os.path.join(WORK, "lock"), "w", encoding="ascii")
    fcntl.flock(alone, fcntl.LOCK_EX)
    trees = [copy_tree(os.path.join(WORK, "0"))]
    tests = sorted({test for m in chosen for test in m.by})
    for test in tests:
        why = trees[0].run(test)
        if why:
            sys.exit("%s fails before anything is broken: %s" % (test, why))
    for number in range(1, os.cpu_count() or 1):
        shutil.rmtree(os.path.join(WORK, str(number)), ignore_errors=True)
        subprocess.run(["cp", "-a", trees[0].path, os.path.join(WORK, str(number))], check=True)
        trees.append(Tree(os.path.join(WORK, str(number))))
    idle = SimpleQueue()
    for tree in trees:
        idle.put(tree)

    def take(mutant):
        tree, began = idle.get(), time.monotonic()
        try:
            return mutant, tree.judge(mutant), time.monotonic() - began
        finally:
            idle.put(tree)

    count = dict.fromkeys(("killed", "survived", "spare", "stale"), 0)
    with ThreadPoolExecutor(len(trees)) as pool:
        for mutant, (verdict, by, why), took_s in pool.map(take, chosen):
            count[verdict] += 1
            print("%-8s %-22s %s%s" % (verdict, by, mutant.name,
                                       "" if verdict == "killed" and "-v" not in words else ": " + why),
                  flush=True)
    print("%d mutants: %d killed, %d survived, %d backed up by other rules, %d not where they were" % (
        len(chosen), count["killed"], count["survived"], count["spare"], count["stale"]))
    return 1 if count["survived"] or count["stale"] else 0


if __name__ == "__main__":
    if any(word in ("-h", "--help") for word in sys.argv[1:]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
