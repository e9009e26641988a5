#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The style guide, executed: what a compiler and clang-format do not see.

  style.py [FILE...]   checks FILEs, or every source file of the tree
  style.py --self-test each rule must find its own bad example

Prints FILE:LINE: RULE: what is wrong; exit 1 when there was anything.  The
tables includes.txt and banned.txt beside this file say what is allowed.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ROOTS = ("src", "port", "boards", "tests")
LINE_MAX = 100
FUNCTION_MAX = 70
NESTING_MAX = 4
FILE_MAX = 600
SPDX = "SPDX-License-Identifier: BSD-2-Clause"
API = "src/pipit.h"   # has one typedef, for the firmware that includes it
EVERYONE = ("pipit_limits.h", "pipit_config.h")


def table(name):
    """Lines `KEY: WORDS # reason` as (key, words)."""
    rows = []
    with open(os.path.join(HERE, name), encoding="utf-8") as lines:
        for line in lines:
            line = line.split("#")[0].strip()
            if line:
                key, words = line.split(":", 1)
                rows.append((key.strip(), words.split()))
    return rows


INCLUDES = dict(table("includes.txt"))
BANNED = [(key.split(), re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(words)))
          for key, words in table("banned.txt")]


def code_only(text):
    """The text with comments and the insides of literals blanked, lines kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]
    literal = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(r"/\*.*?\*/|//[^\n]*|" + literal, blank, text, flags=re.S)


# ---- Every file --------------------------------------------------------------

def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if not path.endswith(".py") and len(line.expandtabs(8)) > LINE_MAX:
            yield number, "line-length", "over %d columns" % LINE_MAX
        if line != line.rstrip():
            yield number, "whitespace", "blanks or a carriage return at the end"
        if path.endswith((".c", ".h")) and re.match(r" {2,}[^ *]", line):
            yield number, "tabs", "indented with blanks"


def check_file(path, text):
    lines = text.split("\n")
    if path.endswith((".c", ".h")) and not lines[0] == "/* %s */" % SPDX:
        yield 1, "licence", "the first line is not the SPDX line"
    if path.endswith((".py", ".sh", ".mk")) and SPDX not in "\n".join(lines[:2]):
        yield 1, "licence", "no SPDX line at the top"
    if text and not text.endswith("\n"):
        yield len(lines), "whitespace", "no line end at the end of the file"
    if path.endswith((".c", ".h", ".sh")) and len(lines) - 1 > FILE_MAX:
        yield FILE_MAX + 1, "file-length", "over %d lines: two files, perhaps" % FILE_MAX
    yield from check_lines(path, lines)


# ---- Functions ---------------------------------------------------------------

def functions(lines):
    """(first, last) line numbers, counted from 0, of each function's braces."""
    start = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{" and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number
            start = None


CONTROL = re.compile(r"\s*(\}\s*)?(if|for|while|switch|else|do)\b")


def statement_starts(lines, first, last):
    before = "{"
    for number in range(first + 1, last):
        line = lines[number].rstrip()
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if before[-1] in ";{}:" or (CONTROL.match(before) and before[-1] in ")eo"):
            yield number, len(line) - len(line.lstrip("\t"))
        before = line


def check_functions(path, lines):
    for first, last in functions(lines):
        if last - first + 1 > FUNCTION_MAX:
            yield first + 1, "function-length", "%d lines, at most %d" % (
                last - first + 1, FUNCTION_MAX)
        deep = [n for n, tabs in statement_starts(lines, first, last) if tabs - 1 > NESTING_MAX]
        if deep:
            yield deep[0] + 1, "nesting", "over %d levels" % NESTING_MAX
        if not path.startswith("src/"):
            continue
        for number in range(first, last):
            if re.match(r"\s*#\s*(if|elif|else)", lines[number]):
                yield number + 1, "conditional", "#if inside a function: choose a file or a stub"


# ---- Includes and words ------------------------------------------------------

def resolve(path, name):
    """Where an include leads, as a path of this tree, or None."""
    if "/" not in name:
        beside = os.path.join(os.path.dirname(path), name)
        if os.path.exists(os.path.join(TOP, beside)):
            return beside
    for root in ("src", "port", "port/posix", "port/lwip"):
        if os.path.exists(os.path.join(TOP, root, name)):
            return os.path.join(root, name)
    return None


def may_include(folder, name, angle, target):
    allowed = INCLUDES[folder]
    if angle:
        system = [word for word in allowed if word.startswith("<")]
        return not system or "<%s>" % name in system
    if name in EVERYONE:
        return True
    if target is None:
        return False
    return os.path.dirname(target) in [folder] + allowed or target in allowed


def check_includes(path, text):
    folder = os.path.dirname(path)
    if folder not in INCLUDES:
        if folder.startswith(("src", "port")):
            yield 1, "include", "%s is not in tests/style/includes.txt" % folder
        return
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        angle, name = match.group(1) == "<", match.group(2)
        if not may_include(folder, name, angle, None if angle else resolve(path, name)):
            yield number, "include", "%s may not include %s" % (folder, name)


def check_words(path, lines):
    for number, line in enumerate(lines, 1):
        for prefixes, words in BANNED:
            found = words.search(line)
            if found and path.split("/")[0] in prefixes:
                yield number, "banned", found.group(1)
        if path.startswith("src/") and path != API and re.match(r"\s*typedef\b", line):
            yield number, "typedef", "struct tags, no typedefs"


def check_text(path, text):
    """Everything wrong with a file: (line, rule, words)."""
    yield from check_file(path, text)
    if path.endswith((".c", ".h")):
        code = code_only(text)
        lines = code.split("\n")
        yield from check_functions(path, lines)
        yield from check_includes(path, text)
        yield from check_words(path, lines)
    elif path.endswith(".py"):
        try:
            compile(text, path, "exec")
        except SyntaxError as error:
            yield error.lineno or 1, "syntax", str(error.msg)


# ---- The whole tree ----------------------------------------------------------

def check_shell(path):
    first = open(os.path.join(TOP, path), encoding="utf-8").readline()
    shell = "bash" if "bash" in first else "sh"
    done = subprocess.run([shell, "-n", path], cwd=TOP, capture_output=True, text=True)
    if done.returncode:
        yield 1, "syntax", done.stderr.strip().replace("\n", "; ")


def source_files():
    for root in ROOTS:
        for folder, folders, names in os.walk(os.path.join(TOP, root)):
            folders[:] = sorted(f for f in folders if f not in ("__pycache__", ".pytest_cache"))
            for name in sorted(names):
                if name.endswith((".c", ".h", ".py", ".sh", ".mk")):
                    yield os.path.relpath(os.path.join(folder, name), TOP)
    if os.path.exists(os.path.join(TOP, ".ci/run")):
        yield ".ci/run"


def check_path(path):
    try:
        with open(os.path.join(TOP, path), encoding="utf-8", newline="") as file:
            text = file.read()
    except UnicodeDecodeError:
        yield 1, "encoding", "not UTF-8"
        return
    yield from check_text(path, text)
    if path.endswith(".sh") or path == ".ci/run":
        yield from check_shell(path)


def main(args):
    if args == ["--self-test"]:
        from selftest import selftest
        sys.exit(selftest(check_text))
    wrong = 0
    for path in args or source_files():
        for number, rule, words in check_path(path):
            print("%s:%d: %s: %s" % (path, number, rule, words))
            wrong += 1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
