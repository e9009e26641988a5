#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which lines and branches of src/ the tests reach.

  coverage.py BUILD [PREFIX]

BUILD was made with SANITIZE=coverage.  Runs its unit tests, dialogues and power
cuts, and with E2E=1 in the environment the end-to-end tests too, then adds up what
gcov says of every object.  With a PREFIX (src/queue) it lists the lines and
branches of those files that were never reached.

A daemon that is killed, as some end-to-end tests do, leaves no counts.

A line counts once, however many objects have it: the queue is compiled twice,
for the power tests with sizes of their own, and inline functions many times.
A branch is a way out of a condition, as gcc sees it without optimization, each
side of && and || on its own.  Conditions of CHECK are left out: one of their
sides ends the program.
"""
import glob
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

TIMEOUT_S = 900


def programs(build):
    unit = [[path] for path in sorted(glob.glob(build + "/tests/unit/test_*"))
            if not os.path.splitext(path)[1]]
    return [[build + "/tests/power/power", "ci"], [build + "/tests/dialog/dialog"]] + unit


def end_to_end(build):
    return ["env", "PIPIT=" + os.path.abspath(build + "/pipit"), "PIPIT_BUILD=" + os.path.abspath(build),
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "4", "--dist", "loadgroup", "tests/e2e"]


def run(command):
    log = os.path.join("build/test", "coverage-" + os.path.basename(command[0] if len(command) < 3 else command[-1]) + ".log")
    with open(log, "wb") as out:
        return command, subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False).returncode


def run_tests(build):
    for path in glob.glob(build + "/**/*.gcda", recursive=True):
        os.remove(path)
    os.makedirs("build/test", exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        failed = [command for command, status in pool.map(run, programs(build)) if status != 0]
    if os.environ.get("E2E"):
        failed += [command for command, status in [run(end_to_end(build))] if status != 0]
    for command in failed:
        print("FAILED: " + " ".join(command))
    return not failed


# ---- What gcov says ------------------------------------------------------------

def gcov(build):
    """The reports of all objects.  One that no program linked has notes only."""
    notes = [os.path.abspath(path) for folder in ("src", "power/src", "tests")
             for path in sorted(glob.glob("%s/%s/**/*.gcno" % (build, folder), recursive=True))]
    for at in range(0, len(notes), 20):
        done = subprocess.run(["gcov", "-j", "-b", "-t"] + notes[at:at + 20], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True)
        for line in done.stdout.splitlines():
            yield json.loads(line)


def checks(path):
    """The lines on which a CHECK stands."""
    found, depth = set(), 0
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if depth == 0 and re.search(r"\bCHECK\(", line):
                line = line[line.index("CHECK("):]
                depth = 1
                found.add(number)
                depth = line.count("(") - line.count(")")
            elif depth > 0:
                found.add(number)
                depth += line.count("(") - line.count(")")
    return found


class Source:
    def __init__(self, path):
        self.path, self.checks = path, checks(path)
        self.lines = defaultdict(int)
        self.branches = {}   # line: the counts of its ways out, one list for each shape

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        counts = [branch["count"] for branch in line["branches"] if not branch["throw"]]
        if not counts or number in self.checks:
            return
        shapes = self.branches.setdefault(number, {})
        before = shapes.get(len(counts), [0] * len(counts))
        shapes[len(counts)] = [a + b for a, b in zip(before, counts)]

    def best(self, number):
        """Where objects were compiled with other sizes, a constant may have settled a condition: the
        shape with the most branches counts."""
        shapes = self.branches[number]
        return shapes[max(shapes)]

    def sums(self):
        ways = [count for number in self.branches for count in self.best(number)]
        return (sum(count > 0 for count in self.lines.values()), len(self.lines),
                sum(count > 0 for count in ways), len(ways))


def read(build):
    sources = {}
    for report in gcov(build):
        for file in report["files"]:
            path = os.path.relpath(os.path.join(report["current_working_directory"], file["file"]))
            if not path.startswith("src/") or not os.path.exists(path):
                continue
            source = sources.setdefault(path, Source(path))
            for line in file["lines"]:
                source.add(line)
    return sources


# ---- What we say -----------------------------------------------------------------

def share(part, whole):
    return "%5.1f %%" % (100.0 * part / whole) if whole else "      -"


def table(sources):
    rooms = defaultdict(lambda: [0, 0, 0, 0])
    for path, source in sources.items():
        for name in (os.path.dirname(path), "all"):
            rooms[name] = [a + b for a, b in zip(rooms[name], source.sums())]
    print("%-12s %8s %14s %10s %14s" % ("room", "lines", "of", "branches", "of"))
    for name in sorted(rooms, key=lambda name: (name == "all", name)):
        line, lines, way, ways = rooms[name]
        print("%-12s %8s %14d %10s %14d" % (name, share(line, lines), lines, share(way, ways), ways))
    return rooms["all"]


def missing(sources, prefix):
    for path in sorted(sources):
        if not path.startswith(prefix):
            continue
        source = sources[path]
        with open(path, encoding="utf-8") as file:
            text = file.read().split("\n")
        for number in sorted(source.lines):
            ways = source.best(number) if number in source.branches else []
            if source.lines[number] == 0:
                what = "never"
            elif 0 in ways:
                what = "%d of %d" % (sum(count == 0 for count in ways), len(ways))
            else:
                continue
            print("%s:%d: %-8s %s" % (path, number, what, text[number - 1].strip()))


def main(build, prefix):
    good = run_tests(build)
    sources = read(build)
    if prefix:
        missing(sources, prefix)
    table(sources)
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
