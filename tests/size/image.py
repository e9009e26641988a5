#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ROM, RAM and stack of a board's image, module by module, from what the linker kept.

  image.py TITLE BUILD [BUDGET]

BUILD holds pipit.map and, beside the objects, what -fstack-usage wrote.  ROM is
code, constants and the start values of data; RAM is data, zeroed memory and the
stack.  `frame` is the largest frame of one function of the module: the stack's
high-water mark comes from the board itself (`board status`).  BUDGET has lines
`rom N` and `ram N`, what the memories have, and `rom_reserved N`, `ram_reserved
N`: what must stay free in them; exit 1 when it does not, or when one frame takes more than half
of the stack.
"""
import glob
import os
import re
import sys

COLUMNS = ("text", "data", "bss", "frame")
IN_ROM = (".text", ".rodata", ".srodata", ".vectors", ".ARM.ex", ".init", ".fini")
IN_DATA = (".data", ".sdata", ".tdata")
IN_BSS = (".bss", ".sbss", ".noinit", ".tbss", "COMMON")
ENTRY = re.compile(r"^ (\.[\w.$-]+|COMMON)(?:\s*\n)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.M)

OUTPUT = re.compile(r"^(\.[\w.]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)(?: load address 0x[0-9a-f]+)?$", re.M)


def kind_of(section):
    for starts, kind in ((IN_ROM, "text"), (IN_DATA, "data"), (IN_BSS, "bss")):
        if section.startswith(starts):
            return kind
    return None


def module_of(path, build):
    if path.startswith(build + "/"):
        parts = os.path.dirname(path[len(build) + 1:]).split("/")
        if parts[0] == "lwip":
            return "lwIP"
        if parts[0] == "":
            return "configuration"
        return "/".join(parts[:2])
    return "libgcc" if "libgcc" in path else "libc"


def linked(build):
    """Octets of each kind for each module, and the length of each output section."""
    with open(build + "/pipit.map", encoding="utf-8") as lines:
        text = lines.read()
    text = text[text.index("Linker script and memory map"):]
    modules = {}
    for section, at, size, path in ENTRY.findall(text):
        kind = kind_of(section)
        if kind and int(size, 16) > 0 and (int(at, 16) > 0 or section == ".vectors"):
            row = modules.setdefault(module_of(path, build), dict.fromkeys(COLUMNS, 0))
            row[kind] += int(size, 16)
    return modules, {name: int(size, 16) for name, size in OUTPUT.findall(text)}


def add_frames(build, modules):
    for path in glob.glob(build + "/**/*.su", recursive=True):
        row = modules.get(module_of(path, build))
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                words = line.rstrip("\n").split("\t")
                if row is not None and len(words) == 3:
                    row["frame"] = max(row["frame"], int(words[1]))


def read_budget(path):
    with open(path, encoding="utf-8") as lines:
        rows = [line.split("#")[0].split() for line in lines]
    return {row[0]: int(row[1]) for row in rows if row}


def against(what, octets, budget):
    """Prints one sum; true when it is over."""
    if what not in budget:
        print("%-24s %8d" % (what, octets))
        return False
    reserved = budget.get(what + "_reserved", 0)
    left = budget[what] - reserved - octets
    print("%-24s %8d of %d, %d set aside: %s" % (
        what, octets, budget[what], reserved, "%d left" % left if left >= 0 else "OVER BUDGET by %d" % -left))
    return left < 0


def main(title, build, budget_path=None):
    modules, sections = linked(build)
    add_frames(build, modules)
    print(title)
    print("%-24s %8s %8s %8s %8s" % (("",) + COLUMNS))
    for module, row in sorted(modules.items()):
        print("%-24s %8d %8d %8d %8d" % ((module,) + tuple(row[c] for c in COLUMNS)))
    # The sums are those of the image: what fills gaps is in them, and equal strings count once.
    size = sections.get
    rom = sum(size(name, 0) for name in (".text", ".ARM.exidx", ".data", ".tdata"))
    ram = sum(size(name, 0) for name in (".data", ".tdata", ".bss", ".noinit", ".stack"))
    print("%-24s %35d" % ("stack", size(".stack", 0)))
    deepest = max(row["frame"] for row in modules.values())
    wrong = deepest > size(".stack", 0) // 2
    if wrong:
        print("a frame of %d octets takes more than half of the stack" % deepest)
    budget = read_budget(budget_path) if budget_path else {}
    wrong |= against("rom", rom, budget)
    wrong |= against("ram", ram, budget)
    return 1 if wrong or rom == 0 else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
