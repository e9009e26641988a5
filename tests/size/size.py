#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ROM and RAM of src/, room by room, from the objects of one build.

  size.py TITLE BUILD PREFIX [BUDGET]

BUILD holds src/**/*.o, compiled with -g; PREFIX is that of the binutils.  The
table and `code` are the plain sum of all objects, nothing discarded; `linked`
is what remains of them behind the functions of pipit.h.  BUDGET has lines
`code N`, `linked N`, `struct N`, in octets; exit 1 above one of them, or when
src/ has a variable of its own (R2).
"""
import glob
import os
import re
import subprocess
import sys

COLUMNS = ("text", "rodata", "data", "bss")
# Sections by the start of their names, the longer ones first.
KINDS = ((".text", "text"), (".rodata", "rodata"), (".data.rel.ro", "rodata"),
         (".ARM.ex", "rodata"), (".data", "data"), (".bss", "bss"), ("COMMON", "bss"))


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def kind_of(section):
    for start, kind in KINDS:
        if section.startswith(start):
            return kind
    return None


def sections(prefix, paths):
    """For each object, its path and the octets of each kind."""
    rows, row = [], None
    for line in output(prefix + "size", "-A", *paths).split("\n"):
        words = line.split()
        if line.endswith(":") and len(words) == 2 or re.match(r"\S+\.o +:$", line):
            row = (words[0], dict.fromkeys(COLUMNS, 0))
            rows.append(row)
        elif len(words) == 3 and words[1].isdigit() and kind_of(words[0]):
            row[1][kind_of(words[0])] += int(words[1])
    return rows


def by_room(build, rows):
    rooms = {}
    for path, counts in rows:
        folder = os.path.relpath(os.path.dirname(path), build)
        room = rooms.setdefault(folder, dict.fromkeys(COLUMNS, 0))
        for column in COLUMNS:
            room[column] += counts[column]
    return rooms


def members(prefix, path, name):
    """(octets, [(member, octets)]) of `struct name`, from the debug information."""
    text = output(prefix + "readelf", "--debug-dump=info", path)
    entries = re.split(r"\n <(?=\d)", text)
    for index, entry in enumerate(entries):
        if "(DW_TAG_structure_type)" in entry and \
                re.search(r"DW_AT_name +: .*?\b%s\n" % re.escape(name), entry + "\n"):
            size = re.search(r"DW_AT_byte_size +: (\w+)", entry)
            if size:
                return int(size.group(1), 0), fields(entries, index, int(size.group(1), 0))
    return 0, []


def fields(entries, index, size):
    depth = int(entries[index].split(">")[0])
    found = []
    for entry in entries[index + 1:]:
        if int(entry.split(">")[0]) <= depth:
            break
        name = re.search(r"DW_AT_name +: (?:\(indirect string, offset: \S+\): )?(\S+)", entry)
        at = re.search(r"DW_AT_data_member_location: (\w+)", entry)
        if "(DW_TAG_member)" in entry and name and at:
            found.append((name.group(1), int(at.group(1), 0)))
    ends = [at for _, at in found[1:]] + [size]
    return [(name, end - at) for (name, at), end in zip(found, ends)]


def linked(prefix, build, paths):
    """Octets that are left when only what pipit.h gives is asked for."""
    root = build + "/src/pipit.o"
    names = [line.split()[-1] for line in output(prefix + "nm", "--extern-only", root).split("\n")
             if " T " in line]
    whole = build + "/src.o"
    output(prefix + "ld", "-r", "--gc-sections", "-o", whole,
           *["--undefined=" + name for name in names], *paths)
    counts = sections(prefix, [whole])[0][1]
    return counts["text"] + counts["rodata"] + counts["data"]


def asked_of_libraries(prefix, paths):
    wanted, given = set(), set()
    for line in output(prefix + "nm", *paths).split("\n"):
        words = line.split()
        if len(words) >= 2 and words[-2] == "U":
            wanted.add(words[-1])
        elif len(words) == 3:
            given.add(words[-1])
    return sorted(wanted - given - {"check_failed", "check_failed_line"})


def read_budget(path):
    with open(path, encoding="utf-8") as lines:
        rows = [line.split("#")[0].split() for line in lines]
    return {row[0]: int(row[1]) for row in rows if row}


def against(what, octets, budget):
    limit = budget.get(what)
    over = limit is not None and octets > limit
    verdict = ""
    if limit is not None:
        verdict = " of %d, " % limit + (
            "OVER BUDGET by %d" % (octets - limit) if over else "%d left" % (limit - octets))
    print("%-14s %8d%s" % (what, octets, verdict))
    return over


def main(title, build, prefix, budget_path=None):
    paths = sorted(glob.glob(build + "/src/**/*.o", recursive=True))
    paths = [path for path in paths if os.path.exists(os.path.relpath(path, build)[:-2] + ".c")]
    if not paths:
        sys.exit(build + ": no objects")
    print(title)
    print("%-14s %8s %8s %8s %8s" % (("",) + COLUMNS))
    total = dict.fromkeys(COLUMNS, 0)
    for room, counts in sorted(by_room(build, sections(prefix, paths)).items()):
        print("%-14s %8d %8d %8d %8d" % ((room,) + tuple(counts[c] for c in COLUMNS)))
        for column in COLUMNS:
            total[column] += counts[column]
    budget = read_budget(budget_path) if budget_path else {}
    wrong = against("code", total["text"] + total["rodata"] + total["data"], budget)
    wrong |= against("linked", linked(prefix, build, paths), budget)
    size, rows = members(prefix, build + "/src/pipit.o", "pipit")
    wrong |= against("struct", size, budget) | (size == 0)
    print("\n".join("    %-18s %8d" % row for row in rows))
    print("asked of libc and libgcc: " + " ".join(asked_of_libraries(prefix, paths)))
    if total["data"] or total["bss"]:
        print("src/ has variables of its own: it may not")
        wrong = True
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
