#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""From Kconfig to .config and pipit_config.h.

  kconfig.py write SOURCE CONFIG HEADER   CONFIG from SOURCE (a defconfig or another .config),
                                          or, if CONFIG was chosen by hand, from itself
  kconfig.py fresh SOURCE CONFIG HEADER   the same, whatever CONFIG was
  kconfig.py menu CONFIG HEADER           choose by hand

Run from the top of the tree.  The header defines every symbol, always: bools
and ints as numbers, strings quoted; so -Wundef can find each wrong name.  It
is written only when it changes, so that nothing is compiled for nothing.
"""
import os
import sys

import kconfiglib

CHOSEN = "# chosen by hand (make menuconfig)\n"
SCALARS = (kconfiglib.BOOL, kconfiglib.INT, kconfiglib.HEX, kconfiglib.STRING)


def first_line(path):
    try:
        with open(path, encoding="utf-8") as lines:
            return lines.readline()
    except FileNotFoundError:
        return ""


def value_of(symbol):
    text = symbol.str_value
    if symbol.orig_type == kconfiglib.BOOL:
        return "1" if text == "y" else "0"
    if symbol.orig_type == kconfiglib.STRING:
        return '"' + kconfiglib.escape(text) + '"'
    return text or "0"


def header_text(kconf):
    lines = ["/* Made from Kconfig; change it with make menuconfig. */",
             "#ifndef PIPIT_CONFIG_H", "#define PIPIT_CONFIG_H", ""]
    for symbol in kconf.unique_defined_syms:
        if symbol.orig_type in SCALARS and not symbol.env_var:
            lines.append("#define CONFIG_%s %s" % (symbol.name, value_of(symbol)))
    return "\n".join(lines + ["", "#endif", ""])


def write_header(kconf, path):
    text = header_text(kconf)
    try:
        with open(path, encoding="utf-8") as old:
            if old.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path + ".new", "w", encoding="utf-8") as new:
        new.write(text)
    os.replace(path + ".new", path)


def load():
    kconf = kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)
    kconf.warn_assign_undef = True
    return kconf


def complain(kconf, path):
    for warning in kconf.warnings:
        print(warning, file=sys.stderr)
    if kconf.warnings:
        sys.exit("%s: not a configuration of this tree" % path)


def write(source, config, header, keep_choice):
    kconf = load()
    chosen = keep_choice and first_line(config) == CHOSEN
    kconf.load_config(config if chosen else source)
    if not chosen:
        complain(kconf, source)
    os.makedirs(os.path.dirname(config) or ".", exist_ok=True)
    kconf.write_config(config, header=CHOSEN if chosen else "# from %s\n" % source)
    os.utime(config)
    write_header(kconf, header)


def menu(config, header):
    import menuconfig
    kconf = load()
    os.environ["KCONFIG_CONFIG"] = config
    os.environ["KCONFIG_CONFIG_HEADER"] = CHOSEN
    kconf.config_header = CHOSEN
    menuconfig.menuconfig(kconf)
    kconf = load()
    kconf.load_config(config)
    write_header(kconf, header)


def main(args):
    if len(args) == 4 and args[0] in ("write", "fresh"):
        write(args[1], args[2], args[3], args[0] == "write")
    elif len(args) == 3 and args[0] == "menu":
        menu(args[1], args[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
