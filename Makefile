# scantide: one Makefile for all. `make help` lists the targets.
#
# Everything that is made goes under $(BUILD); nothing outside the checkout is touched, but by `install`.
# A second tree beside the first: make BUILD=build/clang CC=clang

VERSION = 0.1.0
PREFIX = /usr/local
BUILD = build
TESTS = $(BUILD)/tests

CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
PACKAGES = libssl libcrypto libsystemd libuv libarchive zlib libpcre2-8 libmaxminddb librrd sqlite3 libcyaml yaml-0.1 jansson libxml-2.0 fontconfig pangocairo

# pkg-config runs when the first file is compiled, not when this file is read: `make run` and `make test`
# install it first. Each of the two lines asks once and then replaces itself by the answer.
ask = $(or $(shell pkg-config $(1)),$(error libraries are missing: `tests/setup.sh run` installs them))
PKG_CFLAGS = $(eval PKG_CFLAGS := $(call ask,--cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(call ask,--libs $(PACKAGES)))$(PKG_LIBS)

COMPILE = $(CC) -std=gnu11 -D_GNU_SOURCE -Isrc $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP
DEFINES = -DSCANTIDE_SHARE=\"$(PREFIX)/share/scantide\" -DSCANTIDE_VERSION=\"$(VERSION)\"
LIBS = $(PKG_LIBS) -lm -lpthread

# One short line a step; V=1 shows the commands.
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2); )

SOURCES := $(filter-out src/command/main.c,$(sort $(wildcard src/*/*.c)))
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(TESTS)/%,$(sort $(wildcard tests/unit/test_*.c)))
TOOLS := $(patsubst tests/tools/%.c,$(TESTS)/%,$(sort $(wildcard tests/tools/*.c)))
E2E_TESTS := $(sort $(wildcard tests/e2e/*.bats))

LANGUAGES := $(patsubst src/po/%.po,%,$(sort $(wildcard src/po/*.po)))
CATALOGS := $(LANGUAGES:%=$(BUILD)/locale/%/LC_MESSAGES/scantide.mo)

.PHONY: all run test lint asan faults soak fuzz bench install uninstall clean help tests pot FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/scantide $(CATALOGS) ## build the program (the default)

run: ## install what is missing, build, take in LOG=FILE (else this machine's), chart, follow; ONCE=1 stops after the charts
	@tests/setup.sh run
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD='$(BUILD)' LOG='$(LOG)' ONCE='$(ONCE)' src/run.sh

test: ## install what is missing, build, run every test; the last line counts them
	@tests/setup.sh test
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@BUILD='$(BUILD)' TOOLS='$(TESTS)' tests/run.sh $(UNIT_TESTS) $(E2E_TESTS)

lint: ## check the format, analyse, and check what headers and modules may include
	@tests/setup.sh lint
	@CC='$(CC)' tests/lint.sh

SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined
# Its tests stand as deep as its program does, so that they too find the checkout two folders above.
asan: ## the whole test suite under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test BUILD=build/asan TESTS=build/asan LDFLAGS='$(LDFLAGS) $(SANITIZE)' \
		CFLAGS='-O1 -g -fno-omit-frame-pointer $(SANITIZE)'

bench: ## what everything costs beside mawk, lnav, syslog-ng and others; PARTS chooses, BENCH=small is quick; JSON in build/bench/table.json
	@tests/setup.sh test
	@$(MAKE) --no-print-directory all
	@BUILD='$(BUILD)' tests/bench/run.sh $(PARTS)

# A build of its own, which kills itself at the steps of src/base/fault.c.
faults: ## kill it at every named step, ROUNDS (20) times each: a restart must end exact
	@tests/setup.sh test
	@$(MAKE) --no-print-directory -j$$(nproc) all BUILD=build/faults CPPFLAGS='$(CPPFLAGS) -DSCANTIDE_FAULTS'
	@BUILD=build/faults tests/faults/run.sh $(STEPS)

# Clang's libFuzzer, in a tree of its own; what it finds stays in build/fuzz.
fuzz: ## FUZZ_S (60) seconds each of made-up lines through envelope and parsers, and of streams through framing, under ASan and UBSan
	@tests/setup.sh fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=build/fuzz CC=clang build/fuzz/line build/fuzz/stream \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined -fsanitize=fuzzer-no-link,address,undefined'
	@BUILD=build/fuzz tests/fuzz/run.sh

soak: ## the long runs of tests/soak, one after the other; the last line counts them
	@tests/setup.sh test
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@BUILD='$(BUILD)' TOOLS='$(TESTS)' tests/soak.sh

tests: $(UNIT_TESTS) $(TOOLS)

$(BUILD)/scantide: $(BUILD)/obj/command/main.o $(BUILD)/libscantide.a
	$(call say,link,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libscantide.a: $(OBJECTS) $(BUILD)/objects
	@rm -f $@
	$(call say,pack,$@)$(AR) rcs $@ $(OBJECTS)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,compile,$<)$(COMPILE) $(DEFINES) $(PKG_CFLAGS) -c -o $@ $<

$(TESTS)/test_%: tests/unit/test_%.c $(BUILD)/libscantide.a
	@mkdir -p $(@D)
	$(call say,compile,$<)$(COMPILE) $(DEFINES) $(PKG_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libscantide.a -lcmocka $(LIBS)

$(BUILD)/line $(BUILD)/stream: $(BUILD)/%: tests/fuzz/%.c $(BUILD)/libscantide.a
	$(call say,compile,$<)$(COMPILE) $(DEFINES) $(PKG_CFLAGS) -fsanitize=fuzzer -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libscantide.a $(LIBS)

$(TESTS)/stages: tests/bench/stages.c $(BUILD)/libscantide.a
	@mkdir -p $(@D)
	$(call say,compile,$<)$(COMPILE) $(DEFINES) $(PKG_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libscantide.a $(LIBS)

$(TESTS)/%: tests/tools/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,compile,$<)$(COMPILE) -MF $@.d $(LDFLAGS) -o $@ $< -lm

# Without gettext everything but the other languages is there.
$(BUILD)/locale/%/LC_MESSAGES/scantide.mo: src/po/%.po
	@mkdir -p $(@D)
	$(call say,catalog,$<)if command -v msgfmt >/dev/null; then msgfmt --check -o $@ $<; \
		else echo "  no msgfmt (Debian's gettext): reports in '$*' come out in English"; fi

pot: ## gather the sentences of reports and charts for translators, and bring src/po/*.po up to date
	@tests/setup.sh run
	@src/po/gather.sh $(BUILD)

# Two files that change only when their contents do: other flags compile all again, a removed source
# makes the archive again.
changed = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
$(BUILD)/flags: FORCE
	$(call changed,$(COMPILE) $(DEFINES) $(LDFLAGS))
$(BUILD)/objects: FORCE
	$(call changed,$(OBJECTS))

SHARE = $(DESTDIR)$(PREFIX)/share/scantide
LOCALE = $(DESTDIR)$(PREFIX)/share/locale
MAN = $(DESTDIR)$(PREFIX)/share/man
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
install: all ## install below PREFIX (/usr/local), itself below DESTDIR
	install -D -m 755 $(BUILD)/scantide $(DESTDIR)$(PREFIX)/bin/scantide
	for f in parsers/*.yaml rrd/*.yaml rrd/charts/*.yaml conf/*.yaml; do [ ! -f $$f ] || install -D -m 644 $$f $(SHARE)/$$f; done
	for f in conf/sysctl.d/* conf/forwarding/*; do install -D -m 644 $$f $(SHARE)/$$f; done
	for l in $(LANGUAGES); do f=$(BUILD)/locale/$$l/LC_MESSAGES/scantide.mo; [ ! -f $$f ] || install -D -m 644 $$f $(LOCALE)/$$l/LC_MESSAGES/scantide.mo; done
	for f in conf/*.[1-8]; do [ ! -f $$f ] || install -D -m 644 $$f $(MAN)/man$${f##*.}/$${f##*/}; done
	for f in conf/*.service; do [ ! -f $$f ] || install -D -m 644 $$f $(UNITS)/$${f##*/}; done

uninstall: ## remove what install put there; data and configuration stay
	rm -f $(DESTDIR)$(PREFIX)/bin/scantide
	rm -rf $(SHARE)
	for l in $(LANGUAGES); do rm -f $(LOCALE)/$$l/LC_MESSAGES/scantide.mo; done
	for f in conf/*.[1-8]; do [ ! -f $$f ] || rm -f $(MAN)/man$${f##*.}/$${f##*/}; done
	for f in conf/*.service; do [ ! -f $$f ] || rm -f $(UNITS)/$${f##*/}; done

clean: ## remove everything that was made: build/ with its state, out/
	rm -rf $(BUILD) out

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

-include $(wildcard $(BUILD)/obj/*/*.d $(TESTS)/*.d)
