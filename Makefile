# libmoxdial. `make help` lists the targets; all output goes to $(BUILD).

# Settings: the packager's. What the library needs is added to them below.
CC       ?= cc
CXX      ?= c++
LD       ?= ld
OBJCOPY  ?= objcopy
PKG      ?= pkg-config
CFLAGS   ?= -O2 -g
CXXFLAGS ?= -O2 -g
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
LIBDIR   ?= $(PREFIX)/lib
INCDIR   ?= $(PREFIX)/include
MANDIR   ?= $(PREFIX)/share/man
BUILD    ?= build
# none: without c-ares; headers and symbols stay the same
DNS      ?= cares
# -Werror: what CI gives
WERROR   ?=
FUZZ_SECONDS ?= 60
JOBS     ?= $(shell getconf _NPROCESSORS_ONLN)

VERSION := $(shell sed -n 's/^.define MOX_VERSION "\([^"]*\)".*/\1/p' include/moxdial/base.h)
SONAME  := libmoxdial.so.$(firstword $(subst ., ,$(VERSION)))

# Sources, by folder.
LIB_SRC  := $(wildcard lib/*/*.c)
TOOL_SRC := $(wildcard tools/*.c)
UNIT_SRC := $(wildcard test/unit/*.c test/sim/*.c)
FUZZ_SRC := $(wildcard test/fuzz/*.c)
BENCH_SRC := $(wildcard bench/*.c)
DEMO_SRC := $(wildcard examples/demo/*.c)
PUBLIC   := $(wildcard include/*.h include/moxdial/*.h)
HEADERS  := $(PUBLIC) $(wildcard lib/*/*.h tools/*.h)
REQUIRES := libcares libidn2
ifeq ($(DNS),none)
LIB_SRC  := $(filter-out lib/resolver/%,$(LIB_SRC))
UNIT_SRC := $(filter-out test/unit/test_resolver_%,$(UNIT_SRC))
REQUIRES := libidn2
NO_CARES := -DMOX_NO_CARES
endif

# Flags: ours first, so that the packager has the last word. Only lib/os uses more than POSIX.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes $(WERROR)
INCLUDES := -Iinclude -Ilib -I. $(NO_CARES) $(shell $(PKG) --cflags $(REQUIRES))
FEATURES  = $(if $(filter lib/os/%,$<),-D_GNU_SOURCE,-D_POSIX_C_SOURCE=200809L)
MODE     := -std=c11 -fPIC -fvisibility=hidden -pthread
COMPILE   = $(CC) $(FEATURES) $(INCLUDES) $(CPPFLAGS) $(MODE) $(WARNINGS) $(CFLAGS)
LINK      = $(CC) -pthread $(CFLAGS) $(LDFLAGS)
LIBS     := $(shell $(PKG) --libs $(REQUIRES))

# What is made.
objects   = $(patsubst %.c,$(BUILD)/%.o,$(1))
SHARED   := $(BUILD)/libmoxdial.so.$(VERSION)
STATIC   := $(BUILD)/libmoxdial.a
COMMAND  := $(BUILD)/moxdial
DEMO     := $(BUILD)/moxdial-demo
UNIT     := $(BUILD)/unit-tests
FUZZERS  := $(patsubst test/fuzz/%.c,$(BUILD)/fuzzers/%,$(FUZZ_SRC))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(BENCH_SRC))
STAGE     = $(abspath $(BUILD))/stage

# A short line per step; `make V=1` shows the command instead.
Q    := $(if $(V),,@)
say   = $(if $(V),@:,@printf '%-8s %s\n' '$(1)' '$@')
# Writes its input to the target, which stays as old as it is if its text did not change.
renew = mkdir -p $(@D) && cat >$@.new && if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE all check check-unit check-symbols check-cxx check-host check-python check-install \
	check-examples check-cli check-docs check-layers check-asan check-tsan check-valgrind \
	check-live fuzz fuzz-run lint tidy bench demo doc install uninstall clean help

all: $(SHARED) $(STATIC) $(COMMAND)

# Compiling.
$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c $< -o $@

# When the flags change, all is compiled again.
$(BUILD)/flags: FORCE
	@$(PKG) --exists $(REQUIRES) || { echo 'missing: $(REQUIRES); see scripts/setup'; exit 1; }
	@echo '$(COMPILE) $(LINK)' | { $(renew); }

# Libraries. The static one is a single object whose hidden names are local: a host has its own
# smtp_, dns_ and route_ functions, and a linker would take them for ours without a word.
$(SHARED): $(call objects,$(LIB_SRC)) lib/moxdial.map
	$(call say,LINK)
	$(Q)$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=lib/moxdial.map \
		-Wl,--no-undefined -o $@ $(filter %.o,$^) $(LIBS)
	@ln -sf $(@F) $(BUILD)/$(SONAME)
	@ln -sf $(@F) $(BUILD)/libmoxdial.so

$(STATIC): $(call objects,$(LIB_SRC))
	$(call say,AR)
	$(Q)$(LD) -r -o $(BUILD)/libmoxdial.o $^
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/libmoxdial.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/libmoxdial.o

# Programs.
$(COMMAND): $(call objects,$(TOOL_SRC)) $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS) $$($(PKG) --libs jansson)

# A witness: nothing of the library is in it.
$(BUILD)/moxdial-demo: $(call objects,$(DEMO_SRC))
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^

$(BUILD)/bench/%: $(BUILD)/bench/%.o $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# The unit tests: one program, whose malloc can be told to fail. Each test_x.c has a test_x.
$(UNIT): $(call objects,$(UNIT_SRC) $(LIB_SRC)) $(BUILD)/cases.o
	$(call say,LINK)
	$(Q)$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(LIBS) \
		$$($(PKG) --libs check jansson)

CASES := $(filter test_%,$(basename $(notdir $(UNIT_SRC))))
$(BUILD)/cases.c: FORCE
	@{ echo '#include "test/unit/cases.h"'; printf 'TCase *%s(void);\n' $(CASES); \
		echo 'TCase *(*const test_cases[])(void) = {'; printf '%s,\n' $(CASES); echo '0};'; \
	} | { $(renew); }

$(BUILD)/cases.o: $(BUILD)/cases.c
	$(Q)$(COMPILE) -c $< -o $@

# Checks. No network, no root, seconds. The test runner's summary comes last, for whoever reads on.
check: check-unit check-symbols check-cxx check-host check-python check-install check-examples \
	check-cli check-docs check-layers
	@grep '%: Checks:' $(BUILD)/unit.log

check-unit: $(UNIT)
	$(call say,TEST)
	$(Q)$(RUN) $(UNIT) >$(BUILD)/unit.log 2>&1 || { cat $(BUILD)/unit.log; exit 1; }
	@grep -v ^Running $(BUILD)/unit.log

check-symbols: $(SHARED) $(STATIC)
	$(call say,TEST)
	$(Q)test/symbols lib/moxdial.sym $(SHARED) $(STATIC)

check-cxx:
	$(call say,TEST)
	$(Q)$(CXX) -std=c++17 -Wall -Wextra -Wpedantic -Werror $(CXXFLAGS) -Iinclude -fsyntax-only \
		test/cxx/header.cpp

check-host: $(BUILD)/test/host/host
	$(call say,TEST)
	$(Q)test/host/run $< $<.o $(STATIC)

$(BUILD)/test/host/host: $(BUILD)/test/host/host.o $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

check-python: $(SHARED)
	$(call say,TEST)
	$(Q)python3 test/python/route.py $(SHARED)

check-install: all
	$(call say,TEST)
	+$(Q)test/install $(BUILD)

# Through pkg-config, against what `make install` makes. After check-install, which shares files.
check-examples: all check-install
	$(call say,TEST)
	+$(Q)$(MAKE) --no-print-directory -s install DESTDIR= PREFIX=$(STAGE) BINDIR=$(STAGE)/bin \
		LIBDIR=$(STAGE)/lib INCDIR=$(STAGE)/include MANDIR=$(STAGE)/share/man >/dev/null
	$(Q)CC='$(CC)' scripts/check-examples $(STAGE) $(BUILD)

check-cli: $(COMMAND)
	$(call say,TEST)
	$(Q)MOXDIAL=$(abspath $(COMMAND)) test/cli/run

check-docs: $(COMMAND)
	$(call say,TEST)
	$(Q)MOXDIAL=$(COMMAND) scripts/check-docs

check-layers:
	$(call say,TEST)
	$(Q)scripts/check-layers

# The same checks under tools, each with a build of its own.
SUB  = +$(Q)$(MAKE) --no-print-directory
SAN  = -O1 -g -fno-omit-frame-pointer -fsanitize=
# ThreadSanitizer wants its addresses where they are; some containers do not allow to ask for it.
FIXED = $(shell setarch -R true 2>/dev/null && echo setarch -R)

check-asan:
	$(SUB) BUILD=$(BUILD)/asan CFLAGS='$(SAN)address,undefined -fno-sanitize-recover=all' \
		check-unit check-cli

check-tsan:
	$(SUB) BUILD=$(BUILD)/tsan CFLAGS='$(SAN)thread' RUN='$(FIXED) env CK_FORK=no' check-unit

check-valgrind:
	$(SUB) RUN='env CK_FORK=no valgrind -q --leak-check=full --error-exitcode=99' check-unit

# Real daemons on loopback.
LIVE := $(patsubst %.c,$(BUILD)/%,$(wildcard test/live/*.c))
check-live: all $(LIVE)
	$(call say,TEST)
	$(Q)BUILD=$(BUILD) test/live/run

$(BUILD)/test/live/%: $(BUILD)/test/live/%.o $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Each test/fuzz/x.c for FUZZ_SECONDS; seeds in test/fuzz/x/, finds in the build.
fuzz:
	$(SUB) BUILD=$(BUILD)/fuzz CC=clang CXX=clang++ CFLAGS='$(SAN)fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all' fuzz-run

fuzz-run: $(FUZZERS)
	$(Q)for f in $(FUZZERS); do echo "FUZZ     $$f"; mkdir -p $$f.corpus; \
		seeds=test/fuzz/$${f##*/}; [ -d $$seeds ] || seeds=; \
		$$f -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -artifact_prefix=$$f. $$f.corpus $$seeds || \
		exit 1; done

$(BUILD)/fuzzers/%: $(BUILD)/test/fuzz/%.o $(call objects,$(LIB_SRC))
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

lint:
	+$(Q)status=0; scripts/lint || status=1; \
		$(MAKE) --no-print-directory -k $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) tidy || status=1; \
		exit $$status

TIDY := $(patsubst %.c,$(BUILD)/tidy/%,$(LIB_SRC) $(TOOL_SRC) $(wildcard examples/*.c) $(DEMO_SRC))
tidy: $(TIDY)

$(BUILD)/tidy/%: %.c $(HEADERS) .clang-tidy
	$(call say,TIDY)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- -std=c11 $(FEATURES) $(INCLUDES) 2>$@.log || \
		{ cat $@.log; exit 1; }
	@touch $@

bench: $(BENCHES)
	$(Q)bench/run $(BENCHES)

demo: $(COMMAND) $(BUILD)/moxdial-demo
	$(Q)$(BUILD)/moxdial-demo $(COMMAND) $(BUILD)/demo

doc:
	$(call say,DOXYGEN)
	@mkdir -p $(BUILD)/doc
	$(Q){ cat doc/Doxyfile; echo 'OUTPUT_DIRECTORY = $(BUILD)/doc'; \
		echo 'PROJECT_NUMBER = $(VERSION)'; } | doxygen -

# Installing.
MAN1 := $(wildcard doc/man/*.1)
MAN5 := $(wildcard doc/man/*.5)

$(BUILD)/libmoxdial.pc: pkgconfig/libmoxdial.pc.in FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCDIR@|$(INCDIR)|' \
		-e 's|@VERSION@|$(VERSION)|; s|@REQUIRES@|$(REQUIRES)|' $< | { $(renew); }

install: all $(BUILD)/libmoxdial.pc
	$(call say,INSTALL)
	@install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCDIR)/moxdial \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5
	$(Q)install -m 644 $(wildcard include/*.h) $(DESTDIR)$(INCDIR)
	$(Q)install -m 644 $(wildcard include/moxdial/*.h) $(DESTDIR)$(INCDIR)/moxdial
	$(Q)install -m 644 $(STATIC) $(DESTDIR)$(LIBDIR)
	$(Q)install -m 755 $(SHARED) $(DESTDIR)$(LIBDIR)
	@ln -sf $(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/$(SONAME)
	@ln -sf $(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/libmoxdial.so
	$(Q)install -m 644 $(BUILD)/libmoxdial.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)install -m 755 $(COMMAND) $(DESTDIR)$(BINDIR)
	$(Q)for f in $(MAN1); do install -m 644 $$f $(DESTDIR)$(MANDIR)/man1; done
	$(Q)for f in $(MAN5); do install -m 644 $$f $(DESTDIR)$(MANDIR)/man5; done

uninstall:
	$(call say,REMOVE)
	$(Q)rm -f $(DESTDIR)$(BINDIR)/moxdial $(DESTDIR)$(LIBDIR)/pkgconfig/libmoxdial.pc \
		$(addprefix $(DESTDIR)$(LIBDIR)/,$(notdir $(SHARED) $(STATIC)) $(SONAME) libmoxdial.so) \
		$(patsubst include/%,$(DESTDIR)$(INCDIR)/%,$(PUBLIC)) \
		$(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(MAN1))) \
		$(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(MAN5)))
	@rmdir $(DESTDIR)$(INCDIR)/moxdial 2>/dev/null || true

clean:
	rm -rf $(BUILD)

help:
	@echo 'all             the libraries and the moxdial command, in $(BUILD)'
	@echo 'demo            the whole story on loopback'
	@echo 'check           unit tests and all else that needs neither network nor root'
	@echo 'check-asan, check-tsan, check-valgrind   the tests under these tools'
	@echo 'check-live      against real daemons on loopback'
	@echo 'fuzz            each fuzzer for FUZZ_SECONDS'
	@echo 'lint            clang-tidy, cppcheck, layers, sizes, layout'
	@echo 'bench doc       figures; Doxygen'
	@echo 'install, uninstall, clean'
	@echo 'Settings: CC CFLAGS CPPFLAGS LDFLAGS PREFIX LIBDIR DESTDIR; DNS=none; WERROR=-Werror; V=1'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
