# SPDX-License-Identifier: BSD-2-Clause
# The parts of a firmware as a process of this machine: lwIP, its sockets, no thread.
# tests/lwip links them; there is no program of its own.

ROOMS := sockets lwip
OPTIMIZE := -O1 -g
PORT_CPPFLAGS = -iquote port -iquote port/lwip -D_GNU_SOURCE= $(LWIP_CPPFLAGS)
