# SPDX-License-Identifier: LGPL-2.1-or-later
# vfpool: `make help` lists what can be made.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BUILD ?= build
CFLAGS ?= -O2 -g
WERROR ?=

VERSION := 0.1

# V=1 shows the commands themselves.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

prefix_of = $(if $(filter /usr,$(PREFIX)),/usr,$(PREFIX))
BINDIR = $(prefix_of)/bin
MANDIR = $(prefix_of)/share/man
DATADIR = $(prefix_of)/share/vfpool
UNITDIR ?= $(prefix_of)/lib/systemd/system

PKGS := libvirt libxml-2.0 libnl-3.0 libnl-route-3.0 sqlite3 smartcols
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wpointer-arith -Wvla -Wformat=2 -Wundef $(WERROR)

# libvirt is loaded when it is needed (agent/host/virt_load.h).
LINKED := $(filter-out libvirt,$(PKGS))

# Asked for once, and only when something is to be compiled.
pkg_cflags = $(eval pkg_cflags := $$(shell pkg-config --cflags $$(PKGS)))$(pkg_cflags)
pkg_libs = $(eval pkg_libs := $$(shell pkg-config --libs $$(LINKED)))$(pkg_libs)

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DVFPOOL_VERSION='"$(VERSION)"' -I. -Iagent -I$(BUILD)/gen \
	-fstack-protector-strong $(WARNINGS) $(pkg_cflags) $(SANITIZE) $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)

# Everything but the two main()s is one archive; these and each test are linked with it.
SOURCES := $(wildcard agent/*/*.c xml/*.c policies/*.c)
SCHEMAS := $(wildcard xml/schemas/*.rng)
FAKES := $(wildcard tests/fakes/*.c)
TESTS := $(wildcard tests/unit/test_*.c)
MANPAGES := $(wildcard docs/*.[58].rst)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
ARCHIVE := $(BUILD)/libvfpool.a
SCHEMA_HEADERS := $(patsubst xml/schemas/%,$(BUILD)/gen/schemas/%.h,$(SCHEMAS))
TEST_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TESTS))
RST2MAN ?= $(shell command -v rst2man || command -v rst2man.py)
PAGES := $(if $(RST2MAN),$(patsubst docs/%.rst,$(BUILD)/docs/%,$(MANPAGES)))
# Where each is installed, below the manual pages' directory.
INSTALLED_PAGES = $(foreach page,$(patsubst docs/%.rst,%,$(MANPAGES)),man$(lastword $(subst ., ,$(page)))/$(page))

UNIT := $(BUILD)/dist/vfpool-agent.service

.DEFAULT_GOAL := all
.PHONY: all
all: $(BUILD)/vfpool $(BUILD)/vfpool-hook $(UNIT) $(PAGES) ## build everything (BUILD=DIR: where; default build)

$(BUILD)/vfpool: $(call objects,agent/main.c) $(ARCHIVE)
$(BUILD)/vfpool-hook: $(call objects,agent/hook.c) $(ARCHIVE)
$(BUILD)/vfpool $(BUILD)/vfpool-hook:
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(pkg_libs)

$(ARCHIVE): $(call objects,$(SOURCES))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c | $(SCHEMA_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A schema as a C string, so that the program carries the one it was built with.
$(BUILD)/gen/schemas/%.rng.h: xml/schemas/%.rng
	@mkdir -p $(@D)
	$(Q)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@.tmp && mv $@.tmp $@

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(call objects,$(FAKES)) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(pkg_libs) -lcmocka -lvirt

# Objects of tests are kept: make would take them for leftovers.
.SECONDARY:

$(BUILD)/obj/tests/%.o: ALL_CFLAGS += -Itests

# It names the program where that will be installed.
$(BUILD)/dist/%: dist/%.in Makefile
	@mkdir -p $(@D)
	$(Q)sed 's|@BINDIR@|$(BINDIR)|' $< > $@.tmp && mv $@.tmp $@

# Without rst2man there are no manual pages, and all else is the same.
$(BUILD)/docs/%: docs/%.rst
	@mkdir -p $(@D)
	$(RST2MAN) --strict $< $@.tmp && mv $@.tmp $@

.PHONY: install uninstall
install: all ## install vfpool, its unit, manual pages and schemas (PREFIX=DIR, DESTDIR=DIR)
	install -d $(DESTDIR)$(BINDIR)
	install -m 0755 $(BUILD)/vfpool $(BUILD)/vfpool-hook $(DESTDIR)$(BINDIR)/
	install -d $(DESTDIR)$(UNITDIR)
	install -m 0644 $(UNIT) $(DESTDIR)$(UNITDIR)/
	install -d $(DESTDIR)$(DATADIR)/schemas
	install -m 0644 $(SCHEMAS) $(DESTDIR)$(DATADIR)/schemas/
	install -d $(DESTDIR)$(DATADIR)/migration
	install -m 0755 dist/migration/* $(DESTDIR)$(DATADIR)/migration/
ifneq ($(PAGES),)
	$(foreach page,$(INSTALLED_PAGES),install -D -m 0644 $(BUILD)/docs/$(notdir $(page)) \
		$(DESTDIR)$(MANDIR)/$(page) &&) true
endif

uninstall: ## remove what install put there (leases are kept)
	rm -f $(DESTDIR)$(BINDIR)/vfpool $(DESTDIR)$(BINDIR)/vfpool-hook \
		$(DESTDIR)$(UNITDIR)/$(notdir $(UNIT))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/,$(INSTALLED_PAGES))
	rm -f $(patsubst xml/schemas/%,$(DESTDIR)$(DATADIR)/schemas/%,$(SCHEMAS))
	rm -f $(patsubst dist/%,$(DESTDIR)$(DATADIR)/%,$(wildcard dist/migration/*))

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# Tests. unit and lint need no root, no libvirtd, no network; system runs in the lab.
.PHONY: check-unit check-fast
check-unit: $(TEST_PROGRAMS)
	CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' $(TEST_PROGRAMS)

check-fast: check-unit lint ## unit tests and lint: seconds, no root, no libvirtd, no network

.PHONY: lint format
lint: all ## layering, manual page, schemas, layout, shell scripts
	@prove --exec 'bash' $(wildcard tests/lint/*.sh)

format: ## lay the C files out as .clang-format says
	find agent xml policies tests -name '*.[ch]' -exec clang-format -i {} +

.PHONY: check-asan
check-asan: ## the unit tests under AddressSanitizer and UBSan
	$(MAKE) BUILD=$(BUILD)/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' check-unit

# With both compilers: gcc builds all else.
.PHONY: check-clang
check-clang: ## build everything with clang too; warnings are errors
	$(MAKE) BUILD=$(BUILD)/clang CC=clang WERROR=-Werror everything

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

# The lab: emulated SR-IOV hosts; see tests/lab/README.md. All of `check` runs in them and in their root
# file systems, so the machine itself needs no compiler and no libraries.
.PHONY: demo check check-system
demo: ## the main job on an emulated host, shown with its output (as root on a fresh machine)
	tests/lab/demo

# All system tests run on Debian 13; those of the main job on Debian 12 too, whose libvirt, kernel and QEMU are
# older. `make check-system LAB_SUITE=bookworm` runs all of them there. They are in the order of what they are worth when
# time is short (CHECK_UNTIL, see tests/system/run), the longest of them first; last those that boot machines of their own.
ALL_TESTS := $(patsubst tests/system/%.bats,%,$(wildcard tests/system/*.bats))
OLD_TESTS := daemons attach detach
FIRST_TESTS := races agent migrate settings park attach standby hook detach refusals list
LAST_TESTS := many nvme check-machines

check: ## all tests, in the lab: unit, lint, system; Debian 12 and 13 (as root on a fresh machine)
	tests/lab/lab deps install
	tests/lab/lab build -j"$$(nproc)" WERROR=-Werror everything check-clang
	tests/lab/lab build WERROR=-Werror check-fast
	tests/lab/lab build -j"$$(nproc)" WERROR=-Werror check-asan
	LAB_SUITE=bookworm tests/lab/lab build -s -j"$$(nproc)" WERROR=-Werror all
	tests/system/run $(addprefix trixie:,$(FIRST_TESTS) $(filter-out $(FIRST_TESTS) $(LAST_TESTS),$(ALL_TESTS))) \
		$(addprefix bookworm:,$(OLD_TESTS)) $(addprefix trixie:,$(LAST_TESTS))

SYSTEM_TESTS ?= $(wildcard tests/system/*.bats)
check-system: ## the tests in the lab alone (SYSTEM_TESTS=FILES: these; LAB_SUITE=bookworm: Debian 12)
	tests/lab/lab build -s all
	tests/lab/lab up
	prove --exec 'bats --tap' $(SYSTEM_TESTS)

# Made trees like /sys, of any size: mktree DIR PFS VFS_PER_PF [gaps]
$(BUILD)/mktree: $(call objects,tests/bench/mktree.c tests/fakes/tree.c) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(pkg_libs)

# Two hosts at once: an hour and more.
LONG_TESTS ?= $(wildcard tests/system/long/*.bats)
.PHONY: check-long
check-long: ## the long tests in the lab: moves between two hosts, and what breaks them (LONG_TESTS=FILES)
	tests/lab/lab build -s all
	prove --timer --exec 'bats --tap' $(LONG_TESTS)

# Speed and size against what people use otherwise; see tests/bench/README.md. The programs and what needs
# no emulated host run where vfpool was built: tests/bench/bench calls these in the lab's root file system.
BENCH_PROGRAMS := $(addprefix $(BUILD)/bench/,stopwatch mkleases choose attach)
PARTS ?=

.PHONY: bench bench-tree bench-hook bench-instructions bench-calls
bench: ## ratios against virsh and lspci, in the lab (as root; PARTS='tree hook instructions lab move')
	tests/bench/bench $(PARTS)

bench-tree bench-hook bench-instructions: bench-%: all $(BUILD)/mktree $(BENCH_PROGRAMS)
	@mkdir -p build/bench
	tests/bench/$* $(BUILD) build/bench

bench-calls: all
	@mkdir -p $(BUILD)/bench
	tests/bench/own calls $(BUILD)

$(BENCH_PROGRAMS): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call objects,$(FAKES)) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(pkg_libs)

# All that is compiled, but for what is fuzzed.
.PHONY: everything
everything: all $(TEST_PROGRAMS) $(BENCH_PROGRAMS) $(BUILD)/mktree

# Fuzzing: tests/fuzz/NAME.c with seeds in tests/fuzz/seeds/ and tests/data; needs clang.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_SEEDS_fuzz_domain_xml := tests/fuzz/seeds/domain_xml tests/data/domains
FUZZ_SEEDS_fuzz_host_xml := tests/fuzz/seeds/host_xml tests/data/hosts
FUZZ_SEEDS_fuzz_pool_xml := tests/fuzz/seeds/pool_xml

.PHONY: fuzz
fuzz: ## fuzz what reads hostile text, FUZZ_SECONDS each (default 60); needs clang
	$(MAKE) BUILD=$(BUILD)/fuzz CC=clang CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' \
		$(addprefix run-,$(FUZZERS))

.PHONY: $(addprefix run-,$(FUZZERS))
$(addprefix run-,$(FUZZERS)): run-%: $(BUILD)/%
	@mkdir -p $(BUILD)/corpus/$*
	$(BUILD)/$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=16384 -verbosity=0 \
		-print_final_stats=1 -dict=tests/fuzz/$*.dict -artifact_prefix=$(BUILD)/ \
		$(BUILD)/corpus/$* $(FUZZ_SEEDS_$*)

$(addprefix $(BUILD)/,$(FUZZERS)): $(BUILD)/%: $(BUILD)/obj/tests/fuzz/%.o $(ARCHIVE)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(pkg_libs)
