#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh ELF CONF FOLDER - the firmware ELF in QEMU with the configuration CONF.
#
# FOLDER keeps the flash.  PORT= is the host's port (loopback) that leads to the board's port
# 25; FORWARD= more of QEMU's hostfwd options.  ICOUNT=1 counts one instruction for each
# nanosecond of the board's clock.  MONITOR=unix:PATH,server,nowait is QEMU's own console.
# The board's console is standard input and output.
set -eu
elf=$(realpath "$1")
conf=$(realpath "$2")
mkdir -p "$3"
cd "$3"
[ -e flash.bin ] || head -c 65536 /dev/zero | tr '\0' '\377' >flash.bin
[ -e settings.bin ] || head -c 8192 /dev/zero | tr '\0' '\377' >settings.bin
set -- -semihosting-config enable=on,target=native
[ "${ICOUNT:-0}" = 0 ] || set -- "$@" -icount shift=0
exec qemu-system-arm -M lm3s6965evb -display none "$@" \
	-monitor "${MONITOR:-none}" -serial stdio \
	-device loader,file="$conf",addr=0x3f000,force-raw=on \
	-nic user,id=net,hostfwd=tcp:127.0.0.1:"${PORT:-2525}"-:25"${FORWARD:-}" -kernel "$elf"
