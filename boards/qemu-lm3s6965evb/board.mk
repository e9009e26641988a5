# SPDX-License-Identifier: BSD-2-Clause
# Texas Instruments' LM3S6965 evaluation board, as QEMU has it: Cortex-M3, 256 KiB, 64 KiB.

CROSS := arm-none-eabi-
ROOMS := bare flash pages sockets lwip
MACHINE := -mcpu=cortex-m3 -mthumb
SPECS := --specs=picolibc.specs
OPTIMIZE := $(MACHINE) -Os -g -fstack-usage -ffunction-sections -fdata-sections
HARDEN := $(SPECS)
PORT_CPPFLAGS = -iquote port -iquote boards -iquote port/lwip $(LWIP_CPPFLAGS)
FIRMWARE := yes
BOARD_ROOMS := sensor
SETUP_GROUPS := lm3s
