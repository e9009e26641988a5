# SPDX-License-Identifier: BSD-2-Clause
# Linux: POSIX sockets and files, the daemon and its command line.

ROOMS := posix posix/cli sockets
GUEST_ROOMS := flash pages
PORT_MAIN := port/posix/main.c
PORT_CPPFLAGS := -iquote port -iquote port/posix -D_GNU_SOURCE=
PORT_LIBS := -pthread

OPTIMIZE := -O2 -g
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(SANITIZE),0)
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else
HARDEN := -fPIE
endif
