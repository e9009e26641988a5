# SPDX-License-Identifier: BSD-2-Clause
# The smallest machine that Pipit is meant for: src/ on a Cortex-M3, no port.
# `make size` measures it against boards/small/budget.

CROSS := arm-none-eabi-
OPTIMIZE := -mcpu=cortex-m3 -mthumb -Os -g -ffunction-sections -fdata-sections
