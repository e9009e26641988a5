# SPDX-License-Identifier: BSD-2-Clause
# QEMU's RISC-V machine `virt` with 32 bits: virtio network and entropy, CFI NOR flash, a clock.

CROSS := riscv64-unknown-elf-
ROOMS := bare flash pages sockets lwip
MACHINE := -march=rv32imac -mabi=ilp32 -mcmodel=medany
SPECS := --specs=picolibc.specs
OPTIMIZE := $(MACHINE) -Os -g -fstack-usage -ffunction-sections -fdata-sections
HARDEN := $(SPECS)
PORT_CPPFLAGS = -iquote port -iquote boards -iquote port/lwip $(LWIP_CPPFLAGS)
FIRMWARE := yes
BOARD_ROOMS := sensor
SETUP_GROUPS := riscv
