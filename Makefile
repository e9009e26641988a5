# SPDX-License-Identifier: BSD-2-Clause
#
#   make            build/$(BOARD)/pipit and libpipit.a
#   make run        the same, set up first, and started on loopback
#   make test       every test; make check: style and static analysis
#   make fuzz       every fuzzer, for SECONDS=2 each; ONLY='dot smtpd': those
#   make coverage   lines and branches of src/ that the tests reach
#   make size       ROM and RAM by room; make power: power cuts at length
#
# BOARD=NAME is a folder of boards/, SANITIZE=1 builds under ASan and UBSan
# beside it, CONFIG=FILE takes another .config, SETUP=0 installs nothing.
# Everything made is in build/.

BOARD    ?= linux
PREFIX   ?= /usr/local
PYTHON   ?= /usr/bin/python3
SETUP    ?= 1
SANITIZE ?= 0

ifeq ($(wildcard boards/$(BOARD)/board.mk),)
$(error BOARD=$(BOARD): there is no boards/$(BOARD); known: $(notdir $(patsubst %/board.mk,%,$(wildcard boards/*/board.mk))))
endif

# A variant is another way to compile the same board.  The checks that the
# sanitizers put into the code make conversions look like faults to gcc: the
# plain build is where those are judged.
VARIANT_WARN := -Wno-conversion -Wno-sign-conversion -Wno-maybe-uninitialized
SUFFIX-1      := -sanitize
VARIANT-1     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-g -O1 $(VARIANT_WARN)
SUFFIX-thread := -thread
VARIANT-thread := -fsanitize=thread -g -O1 $(VARIANT_WARN)
SUFFIX-coverage := -coverage
VARIANT-coverage := --coverage -g -O0 $(VARIANT_WARN)
# Only clang has libFuzzer; everything in it is small, so that bounds are met.
SUFFIX-fuzz   := -fuzz
VARIANT-fuzz  := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -g -O1 $(VARIANT_WARN) -Wno-unknown-warning-option
DEFCONFIG-fuzz := tests/fuzz/defconfig
B := build/$(BOARD)$(SUFFIX-$(SANITIZE))

# What the board decides: OPTIMIZE HARDEN HARDEN_LD CROSS ROOMS (folders of port/) GUEST_ROOMS.
include boards/$(BOARD)/board.mk

ifeq ($(SANITIZE),fuzz)
CC := clang
endif
ifneq ($(CROSS),)
CC := $(CROSS)gcc
AR := $(CROSS)ar
endif

WARN := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wundef -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wimplicit-fallthrough
LANGUAGE := -std=c11 -pedantic
CPPFLAGS_ALL = $(CONFIG_FIRST) -I$(B) -Isrc $(CPPFLAGS)
COMPILE = $(CC) $(LANGUAGE) $(WARN) $(OPTIMIZE) $(HARDEN) $(VARIANT-$(SANITIZE)) $(CFLAGS) $(CPPFLAGS_ALL) -MMD -MP
LINK = $(CC) $(OPTIMIZE) $(HARDEN) $(VARIANT-$(SANITIZE)) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS)

# The files of each feature: FILES- holds those of all that the configuration
# switches off, and they are left out.
ifneq ($(filter-out clean distclean format,$(or $(MAKECMDGOALS),all)),)
include $(B)/.config
endif
FILES-$(CONFIG_IPV6) += src/base/ip6.c src/route/families.c
FILES-$(CONFIG_CONF_ADVICE) += src/conf/advice.c src/conf/utf8.c
FILES-$(if $(CONFIG_CONF_ADVICE),,y) += src/conf/terse.c
FILES-$(CONFIG_DNS) += $(wildcard src/dns/*.c) src/route/mx.c src/route/families.c
FILES-$(CONFIG_QUEUE_COPY) += src/queue/copy.c
FILES-$(CONFIG_QUEUE_FORMAT_OVER) += src/queue/format_over.c
FILES-$(CONFIG_DNS_TCP) += src/dns/exchange_tcp.c
FILES-$(or $(CONFIG_ALIASES),$(CONFIG_LOCAL_DELIVERY)) += src/conf/names.c
FILES-$(CONFIG_ALIASES) += src/conf/aliases.c src/route/expand.c
FILES-$(if $(CONFIG_ALIASES),,y) += src/route/postmaster.c
FILES-$(CONFIG_ALIASES_FILE) += src/conf/aliases_file.c src/app/aliases.c
FILES-$(CONFIG_MASQUERADE) += src/mail/masquerade.c src/app/rewrite.c
FILES-$(CONFIG_LEGACY_DEVICES) += src/conf/device.c src/app/device.c
FILES-$(CONFIG_LOCAL_DELIVERY) += src/conf/deliver.c
FILES-$(CONFIG_MAILBOXES) += src/route/path.c src/app/local.c
FILES-$(CONFIG_CALLBACK) += src/app/callback.c
FILES-$(CONFIG_SUBMIT) += src/app/submission.c src/app/tell.c
FILES-$(CONFIG_CONTROL_LINE) += src/app/control.c src/app/operator.c src/route/schedule_asked.c \
	src/queue/stats.c

SRC  := $(filter-out $(FILES-),$(wildcard src/*.c src/*/*.c))
PORT := $(wildcard $(patsubst %,port/%/*.c,$(ROOMS)))
# Rooms of other boards, compiled here too: unit tests and `make check` see them.
GUESTS := $(filter-out $(PORT),$(wildcard $(patsubst %,port/%/*.c,$(GUEST_ROOMS))))
MAIN := $(wildcard $(PORT_MAIN))
SRC_OBJ  := $(SRC:%.c=$(B)/%.o)
PORT_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out $(MAIN),$(PORT)))
MAIN_OBJ := $(MAIN:%.c=$(B)/%.o)

all:
# What else a room brings: other people's source.
include $(wildcard $(patsubst %,port/%/rules.mk,$(ROOMS)))

.PHONY: all sources run test check size power sim format menuconfig defconfig install clean distclean
.PHONY: coverage fuzz mutants build-fuzz build-unit build-power build-lwip build-sim build-thread size-of FORCE
.DELETE_ON_ERROR:
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# A line for each file made; V=1 shows the commands.
ifeq ($(V),1)
Q =
else
Q = @echo "  $@";
endif
.SUFFIXES:

all: $(B)/libpipit.a $(if $(MAIN),$(B)/pipit) $(if $(FIRMWARE),$(B)/pipit.elf)

# ---- Configuration -----------------------------------------------------------

CONFIG_SOURCE := $(or $(CONFIG),$(DEFCONFIG-$(SANITIZE)),boards/$(BOARD)/defconfig)
CONFIG_NOW := $(shell sed -n '1s/^. from //p' $(B)/.config 2>/dev/null)
KCONFIG := $(wildcard Kconfig src/Kconfig src/*/Kconfig port/*/Kconfig)
KCONFIG_PY := $(PYTHON) port/deps/kconfig.py

# Made anew when asked for another file than the one it came from; a
# configuration chosen in menuconfig stays until `make defconfig`.
$(B)/.config: $(CONFIG_SOURCE) $(KCONFIG) port/deps/kconfig.py $(if $(CONFIG)$(CONFIG_NOW),$(if $(filter-out $(CONFIG_NOW),$(CONFIG_SOURCE)),FORCE))
	@port/deps/setup.sh build
	$(KCONFIG_PY) $(if $(CONFIG),fresh,write) $(CONFIG_SOURCE) $@ $(B)/pipit_config.h

# Written with it, but only when it changes: the recipe makes make look again.
$(B)/pipit_config.h: $(B)/.config
	@:

defconfig:
	@port/deps/setup.sh build
	$(KCONFIG_PY) fresh $(CONFIG_SOURCE) $(B)/.config $(B)/pipit_config.h

menuconfig: $(B)/.config
	$(KCONFIG_PY) menu $(B)/.config $(B)/pipit_config.h

# ---- Objects and programs ----------------------------------------------------

export SETUP
export PYTHONDONTWRITEBYTECODE = 1

$(B)/src/%.o: src/%.c $(B)/pipit_config.h
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -c -o $@ $<

$(B)/port/%.o: port/%.c $(B)/pipit_config.h
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(PORT_CPPFLAGS) -c -o $@ $<

$(B)/libpipit.a: $(SRC_OBJ)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(B)/pipit: $(MAIN_OBJ) $(PORT_OBJ) $(B)/libpipit.a
	$(Q)$(LINK) -o $@ $^ $(PORT_LIBS)

# ---- A board's image ---------------------------------------------------------

BOARD_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard boards/$(BOARD)/*.c $(BOARD_ROOMS:%=boards/%/*.c)))
# Its cross tools, before anything is compiled with them.
ifneq ($(FIRMWARE),)
$(SRC_OBJ) $(PORT_OBJ) $(BOARD_OBJ): | $(B)/.tools
endif
$(B)/.tools:
	@port/deps/setup.sh $(SETUP_GROUPS)
	@mkdir -p $(@D); touch $@

$(B)/boards/%.o: boards/%.c $(B)/pipit_config.h
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(PORT_CPPFLAGS) -c -o $@ $<

# The board's configuration as conf_text.
$(B)/conf.o: boards/$(BOARD)/pipit.conf | $(B)/.tools
	$(Q)printf '.section .rodata\n.global conf_text, conf_text_end\nconf_text: .incbin "$<"\nconf_text_end:\n' | \
		$(CC) $(MACHINE) -x assembler -c -o $@ -

# The objects themselves, not the library: the map then says which room each is of.
$(B)/pipit.elf: $(BOARD_OBJ) $(B)/conf.o $(PORT_OBJ) $(SRC_OBJ) boards/$(BOARD)/link.ld port/bare/sections.ld
	$(Q)$(LINK) -nostartfiles -T boards/$(BOARD)/link.ld -Wl,--gc-sections,-Map=$(B)/pipit.map \
		-o $@ $(filter %.o,$^)

# For other builds (port/cmake): the files of this configuration.
sources: $(B)/pipit_config.h
	@echo sources: $(SRC) $(filter-out $(MAIN),$(PORT))

# ---- Test programs -----------------------------------------------------------
#
# Each tests/unit/test_X.c is a program, each tests/tsan/X.c too; the files of
# tests/dialog are one, and one with the simulator.  They link with src/, the port but its main, and what
# they need of tests/harness.  tests/power has a queue of its own, compiled for
# flash of a few kilobytes: its config/ comes before the board's; and once more
# for one flash only.

HARNESS_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/harness/*.c))
UNIT   := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
LWIP_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/lwip/test_*.c))
THREAD := $(patsubst %.c,$(B)/%,$(wildcard tests/tsan/*.c))
# The one thread, and what it shares with the loop.
THREAD_OBJ := $(B)/port/posix/flash_file.o $(B)/port/posix/sync_thread.o
DIALOG := $(if $(wildcard tests/dialog/*.c),$(B)/tests/dialog/dialog $(B)/tests/dialog/simulated)
POWER  := $(if $(wildcard tests/power/*.c),$(B)/tests/power/power $(B)/tests/power/power-fixed)
TEST_WARN := -Wno-conversion -Wno-sign-conversion -Wno-cast-qual -Wno-format-truncation
TEST_LIBS := $(B)/libharness.a $(B)/libpipit.a $(B)/libport.a
LINK_TEST = $(LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(TEST_LIBS) -Wl,--end-group \
	-Wl,--as-needed -lcmocka $(PORT_LIBS)

.SECONDARY:

$(B)/tests/%.o: tests/%.c $(B)/pipit_config.h
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(TEST_WARN) $(PORT_CPPFLAGS) -Itests -c -o $@ $<

$(B)/libharness.a: $(HARNESS_OBJ)
$(B)/libport.a: $(PORT_OBJ) $(GUESTS:%.c=$(B)/%.o)
$(B)/libharness.a $(B)/libport.a:
	$(Q)rm -f $@; $(AR) rcs $@ $^

CHECK_OBJ := $(B)/tests/harness/check.o
$(B)/tests/lwip/test_tap: $(B)/tests/lwip/tap.o
$(UNIT) $(LWIP_TESTS): %: %.o $(CHECK_OBJ) $(TEST_LIBS)
	$(Q)$(LINK_TEST)
$(B)/tests/unit/test_pages: $(B)/port/sim/nor.o
$(THREAD): TEST_LIBS :=
$(THREAD): %: %.o $(CHECK_OBJ) $(THREAD_OBJ)
	$(Q)$(LINK_TEST)
$(B)/tests/dialog/dialog: $(patsubst %.c,$(B)/%.o,$(filter-out %/simulated.c,$(wildcard tests/dialog/*.c))) $(CHECK_OBJ) $(TEST_LIBS)
	$(Q)$(LINK_TEST)

POWER_SRC := $(wildcard src/base/*.c src/queue/*.c tests/power/*.c) port/sim/nor.c \
	tests/harness/check.c
POWER_OBJ := $(POWER_SRC:%.c=$(B)/power/%.o)
FIXED_OBJ := $(POWER_SRC:%.c=$(B)/power-fixed/%.o)
$(POWER_OBJ): CONFIG_FIRST := -Itests/power/config
$(FIXED_OBJ): CONFIG_FIRST := -Itests/power/fixed -Itests/power/config
$(B)/power/%.o: %.c $(B)/pipit_config.h
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(TEST_WARN) -iquote port -Itests -c -o $@ $<
$(B)/power-fixed/%.o: %.c $(B)/pipit_config.h
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(TEST_WARN) -iquote port -Itests -c -o $@ $<
$(B)/tests/power/power: $(POWER_OBJ)
$(B)/tests/power/power-fixed: $(FIXED_OBJ)
$(POWER):
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^

# Each tests/fuzz/fuzz_X.c is a program of libFuzzer; the other files there are
# what they share.
FUZZ := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SHARED := $(patsubst %.c,$(B)/%.o,$(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c)))
$(B)/libfuzz.a: $(FUZZ_SHARED)
	$(Q)rm -f $@; $(AR) rcs $@ $^
$(FUZZ): TEST_LIBS := $(B)/libfuzz.a $(B)/libharness.a $(B)/libpipit.a
$(FUZZ): %: %.o $(CHECK_OBJ) $(B)/libfuzz.a $(B)/libharness.a $(B)/libpipit.a
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(TEST_LIBS) -Wl,--end-group

# ---- The simulator -----------------------------------------------------------
#
# port/sim is linked with all of src/, for two configurations: the small board's,
# and one with every feature.  Each has a build folder of its own.

SIM_SRC := $(wildcard port/sim/*.c)
SIM_BUILD := build/sim$(SUFFIX-$(SANITIZE))
$(B)/sim: $(SIM_SRC:%.c=$(B)/%.o) $(B)/libpipit.a
	$(Q)$(LINK) -o $@ $^

# The same world with another client and another configuration: the dialogues.
DIALOG_SIM_SRC := tests/dialog/simulated.c tests/dialog/script.c \
	$(filter-out port/sim/main.c port/sim/client.c port/sim/conf_text.c,$(SIM_SRC))
$(B)/tests/dialog/simulated: $(DIALOG_SIM_SRC:%.c=$(B)/%.o) $(CHECK_OBJ) $(B)/libpipit.a
	$(Q)$(LINK) -o $@ $^

build-unit: $(UNIT) $(DIALOG)
build-power: $(POWER)
build-lwip: $(LWIP_TESTS)
build-thread: $(THREAD)
build-fuzz: $(FUZZ)

# ---- What people ask for -----------------------------------------------------

SUBMAKE = $(MAKE) -s --no-print-directory

# Boards that run in QEMU.
FIRMWARES := $(patsubst boards/%/run.sh,%,$(wildcard boards/*/run.sh))

test:
	@port/deps/setup.sh build test
	+@$(SUBMAKE) all build-unit build-power
	+@$(SUBMAKE) build-sim
	+@for board in $(FIRMWARES); do $(SUBMAKE) BOARD=$$board all || exit 1; done
	+@$(SUBMAKE) BOARD=lwip-desktop build-lwip
	+@$(SUBMAKE) BOARD=lwip-desktop SANITIZE=1 build-lwip
	+@$(SUBMAKE) SANITIZE=1 all build-unit
	+@$(SUBMAKE) SANITIZE=thread build-thread
	@$(PYTHON) tests/harness/run_tests.py build/$(BOARD) build/$(BOARD)-sanitize build/$(BOARD)-thread

# What the compilers say stands in the objects of both boards; clang only reads.
C_FILES = $(shell find src port boards tests -name '*.[ch]')
CLANG := clang $(LANGUAGE) $(WARN) -fsyntax-only -Isrc
CLANG_SMALL := --target=arm-none-eabi -mcpu=cortex-m3 -isystem /usr/include/newlib
TIDY := tests/style/clang-tidy.yaml
CHECKS := check-style check-format check-clang check-tidy check-cppcheck
.PHONY: $(CHECKS) clang-src

check:
	@port/deps/setup.sh build check size
	+@$(SUBMAKE) all
	+@$(SUBMAKE) BOARD=small all
	+@$(SUBMAKE) -O $(CHECKS)

check-style:
	tests/style/style.py --self-test
	tests/style/style.py

check-format:
	clang-format --dry-run -Werror $(C_FILES) 2>build/format.log || \
		{ sed -n 's/: error: .*/: not as \.clang-format says: make format/p' build/format.log | \
		sort -t: -u -k1,1; exit 1; }

# With TARGET: as that machine would compile it.
clang-src: $(B)/pipit_config.h
	echo $(SRC) | xargs -P2 -n8 $(CLANG) $(TARGET) -I$(B)

check-clang: clang-src
	+$(SUBMAKE) BOARD=small clang-src TARGET='$(CLANG_SMALL)'
	echo $(PORT) $(GUESTS) | xargs -r -P2 -n8 $(CLANG) $(PORT_CPPFLAGS) -I$(B)

check-tidy: $(B)/pipit_config.h
	echo $(SRC) $(PORT) $(GUESTS) | xargs -P2 -n8 sh -c 'clang-tidy --quiet --config-file=$(TIDY) \
		"$$@" -- $(LANGUAGE) -Isrc $(PORT_CPPFLAGS) -I$(B) 2>/dev/null' tidy

check-cppcheck: $(B)/pipit_config.h
	mkdir -p build/cppcheck
	cppcheck -q -j2 --cppcheck-build-dir=build/cppcheck --std=c11 --error-exitcode=1 \
		--enable=warning,portability,performance --inline-suppr \
		--suppressions-list=tests/style/cppcheck.txt -Isrc -Iport -I$(B) $(SRC) $(PORT) $(GUESTS)

SIZE_BOARDS := $(sort $(BOARD) $(if $(FIRMWARE),,small))

size:
	@port/deps/setup.sh build size
	+@for board in $(SIZE_BOARDS); do $(SUBMAKE) BOARD=$$board size-of || exit 1; done

ifneq ($(FIRMWARE),)
size-of: $(B)/pipit.elf
	tests/size/image.py "$(BOARD): $(firstword $(shell $(CC) -dumpmachine)), $(filter -O%,$(OPTIMIZE))" \
		$(B) $(wildcard boards/$(BOARD)/budget)
else
size-of: $(B)/libpipit.a
	rm -f $(patsubst %.c,$(B)/%.o,$(FILES-))
	tests/size/size.py "$(BOARD): $(firstword $(shell $(CC) -dumpmachine)), $(filter -O%,$(OPTIMIZE))" \
		$(B) "$(CROSS)" $(wildcard boards/$(BOARD)/budget)
endif

format:
	@port/deps/setup.sh check
	clang-format -i $(C_FILES)

# SEED=n alone tells the story of one seed; RUNS=n runs so many from SEED on.
SEED ?= 1
build-sim:
	+@$(SUBMAKE) B=$(SIM_BUILD)/small CONFIG=boards/small/defconfig $(SIM_BUILD)/small/sim
	+@$(SUBMAKE) B=$(SIM_BUILD)/wide CONFIG=port/sim/config/wide $(SIM_BUILD)/wide/sim

sim:
	@port/deps/setup.sh build
	+@$(SUBMAKE) build-sim
	@$(PYTHON) port/sim/sim.py $(SIM_BUILD) $(SEED) $(RUNS)

# Breaks one rule at a time: WORDS chooses some, --quick what unit tests notice.
mutants:
	@port/deps/setup.sh build test
	@$(PYTHON) tests/mutants/run.py $(WORDS)

ifneq ($(FIRMWARE),)
power: all
	@port/deps/setup.sh test
	PIPIT_KILLS=100 $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/boards/test_power.py
else
power:
	@port/deps/setup.sh build test
	+@$(SUBMAKE) all build-power
	$(B)/tests/power/power full
	PIPIT=$(abspath $(B)/pipit) PIPIT_BUILD=$(abspath $(B)) PIPIT_KILLS=500 \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e -k kill
	$(B)/tests/power/power figures
endif

# Each fuzzer for so many seconds; build/fuzz/ keeps what was found.
SECONDS ?= 2
fuzz:
	@port/deps/setup.sh build fuzz
	+@$(SUBMAKE) SANITIZE=fuzz build-fuzz
	@$(PYTHON) tests/fuzz/run.py build/$(BOARD)-fuzz $(SECONDS) $(ONLY)

# Lines and branches of src/ that the tests reach; MISSING=src/queue lists what they do
# not, E2E=1 runs the end-to-end tests too.
coverage:
	@port/deps/setup.sh build test
	+@$(SUBMAKE) SANITIZE=coverage build-unit build-power $(if $(E2E),all)
	@E2E=$(E2E) $(PYTHON) tests/coverage/coverage.py build/$(BOARD)-coverage $(MISSING)

# ---- Run and install ---------------------------------------------------------

CONF ?= boards/$(BOARD)/pipit.conf

ifneq ($(FIRMWARE),)
# The flash is kept in build/run-BOARD; PORT= leads to the board's port 25.
PORT25 ?= 2525
run: all
	@sed 's,@PORT@,$(PORT25),g; s,@CONF@,$(CONF),g' boards/$(BOARD)/run.txt
	@PORT=$(PORT25) exec boards/$(BOARD)/run.sh $(B)/pipit.elf $(CONF) build/run-$(BOARD)
else
run: all
	@mkdir -p build/run
	@cp $(CONF) build/run/pipit.conf
	@sed 's,@PIPIT@,$(B)/pipit,g; s,@CONF@,build/run/pipit.conf,g' boards/$(BOARD)/run.txt
	@exec $(B)/pipit run -c build/run/pipit.conf
endif

SBIN := $(DESTDIR)$(PREFIX)/sbin
SHARE := $(DESTDIR)$(PREFIX)/share
LINKS := $(SBIN)/sendmail $(DESTDIR)$(PREFIX)/bin/mailq $(DESTDIR)$(PREFIX)/bin/newaliases

install: all
	install -D -m 755 $(B)/pipit $(SBIN)/pipit
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	for link in $(LINKS); do ln -sf ../sbin/pipit $$link; done
	for page in $(wildcard port/posix/man/*.[1-8]); do \
		install -D -m 644 $$page $(SHARE)/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -D -m 644 port/posix/pipit.conf $(SHARE)/doc/pipit/examples/pipit.conf
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/sbin/,$(PREFIX)/sbin/,' port/posix/pipit.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/pipit.service

FORCE:

clean:
	rm -rf build

distclean: clean

-include $(shell find $(B) -name '*.d' 2>/dev/null)
