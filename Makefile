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
# Libraries of their own, and in the command: MTA-STS policies by libmoxdial-curl, stores by
# libmoxdial-sqlite and -redis; each is made where its .pc is found; none: without it
CURL     ?= $(shell $(PKG) --exists 'libcurl >= 7.87' && echo libcurl || echo none)
SQLITE   ?= $(shell $(PKG) --exists 'sqlite3 >= 3.35' && echo sqlite3 || echo none)
REDIS    ?= $(shell $(PKG) --exists 'hiredis >= 0.14' && echo hiredis || echo none)
# Debian 12 ships no .pc for mbedTLS; another one than the system's is named here
MBEDTLS_CFLAGS ?=
MBEDTLS_LIBS   ?= -lmbedtls -lmbedx509 -lmbedcrypto
FAST      = $(filter -O2 -O3,$(CFLAGS))
# yes: the shared library is optimised as a whole; see doc/performance.md. By default where CFLAGS ask
# for speed and the compiler is GCC
LTO      ?= $(if $(FAST),$(shell echo __clang__ __GNUC__ | $(CC) -E -P -x c - 2>/dev/null | \
	grep -q '^__clang__ [0-9]' && echo yes || echo no),no)
# -Werror: what CI gives
WERROR   ?=
FUZZ_SECONDS ?= 60
# of make check-sim; with sanitizers and for coverage fewer. On mbedTLS 3.6 those with an even number are
# what counts: they have TLS
SIM_SEEDS ?= 5000
FEWER_SEEDS = SIM_SEEDS=1000
MBEDTLS3_SEEDS = SIM_SEEDS=4000
# of make soak
SEEDS    ?= 100000
SOAK_FROM ?= 1000000
JOBS     ?= $(shell getconf _NPROCESSORS_ONLN)

VERSION := $(shell sed -n 's/^.define MOX_VERSION "\([^"]*\)".*/\1/p' include/moxdial/base.h)
SOVERSION := .$(firstword $(subst ., ,$(VERSION)))
SONAME  := libmoxdial.so$(SOVERSION)

# Sources, by folder.
OWN_SRC  := $(wildcard $(foreach f,apart fetch sqlite redis,lib/$(f)/*.c))
LIB_SRC  := $(filter-out $(OWN_SRC),$(wildcard lib/*/*.c))
TOOL_SRC := $(wildcard tools/*.c)
WORLD_SRC := $(addprefix test/sim/,world.c dns.c net.c server.c mailbox.c secure.c login.c proxy.c fetch.c load.c \
	papers.c authority.c tls_server.c)
SIM_SRC  := $(wildcard test/sim/*.c)
# What of `moxdial policy` reads and writes foreign bytes.
WIRE_SRC := $(addprefix tools/,policy_socketmap.c policy_delegation.c policy_spf.c spf_words.c error.c output.c)
UNIT_SRC := $(wildcard test/unit/*.c) $(WORLD_SRC) $(WIRE_SRC)
FUZZ_SRC := $(wildcard test/fuzz/*.c)
BENCH_SRC := $(wildcard bench/*.c)
DRIVER_SRC := $(wildcard bench/driver/*.c)
FLOOR_SRC := $(wildcard bench/floor/*.c)
PEER_SRC  := $(wildcard bench/peer/*.c)
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
# Libraries of their own over the public headers: name, folder, setting, what it was found by.
override CURL   := $(CURL)
override SQLITE := $(SQLITE)
override REDIS  := $(REDIS)
folder_curl   := fetch
folder_sqlite := sqlite
folder_redis  := redis
package_curl   := $(CURL)
package_sqlite := $(SQLITE)
package_redis  := $(REDIS)
OWN      := $(strip $(foreach l,curl sqlite redis,$(if $(filter none,$(package_$(l))),,$(l))))
NOT_OWN  := $(filter-out $(OWN),curl sqlite redis)
OWN_PKG  := $(foreach l,$(OWN),$(package_$(l)))
OWN_LIBS := $(if $(OWN),$(shell $(PKG) --libs $(OWN_PKG)))
# hiredis's headers do not stand our warnings
OWN_FLAGS := $(patsubst -I%,-isystem%,$(if $(OWN),$(shell $(PKG) --cflags $(OWN_PKG))))
HAVE_OWN := $(patsubst %,-DMOX_HAVE_%,$(shell echo $(OWN) | tr a-z A-Z))
PUBLIC   := $(filter-out $(NOT_OWN:%=include/moxdial/%.h),$(PUBLIC))
OWN_SRC  := $(filter-out $(foreach l,$(NOT_OWN),lib/$(folder_$(l))/%),$(OWN_SRC))

# Flags: ours first, so that the packager has the last word. Only lib/os uses more than POSIX.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes $(WERROR)
INCLUDES := -Iinclude -Ilib -I. $(NO_CARES) $(HAVE_OWN) $(MBEDTLS_CFLAGS) \
	$(shell $(PKG) --cflags $(REQUIRES)) $(OWN_FLAGS)
FEATURES  = $(if $(filter lib/os/%,$<),-D_GNU_SOURCE,-D_POSIX_C_SOURCE=200809L)
MODE     := -std=c11 -fPIC -fno-plt -fvisibility=hidden -pthread
# Those flags, if the compiler knows them all.
known     = $(shell set -- $(1); $(CC) -Werror "$$@" -E -x c /dev/null >/dev/null 2>&1 && echo "$$@")
# The library: nothing is thrown through it, so no tables to unwind by (debug information has its
# own; -fasynchronous-unwind-tables in CFLAGS brings them back), and no padding before loops.
UNPADDED := $(call known,-fno-align-functions -fno-align-jumps -fno-align-loops -fno-align-labels)
# What GCC finds to be computed twice here costs more to remember than to compute again; and it would
# clear and copy by string instructions, which on x86 take longer to start than the C library does.
STRINGS  := unrolled_loop:128:noalign,libcall:-1:noalign
UNWISE   := $(call known,-fno-tree-pre) $(call known,-mmemset-strategy=$(STRINGS) -mmemcpy-strategy=$(STRINGS))
SMALL     = $(if $(filter lib/%,$<),-fno-asynchronous-unwind-tables $(UNPADDED) $(UNWISE))
# What runs once a configuration, once a failure or beside cryptography is made small where CFLAGS
# ask for speed: the library is a fifteenth smaller for it, and no dial slower.
OFTEN    := $(addprefix lib/,config/build.c config/intern.c config/reserve.c config/scalar.c config/sconf.c \
	config/set_route.c config/walk.c lookup/address.c lookup/chain.c lookup/mx.c \
	policy/demand.c policy/family.c policy/level.c stream/tcp.c)
SELDOM   := $(filter-out $(OFTEN),$(wildcard $(foreach f,api check config lookup policy resolver spf store stream,\
	lib/$(f)/*.c) lib/smtp/auth.c lib/smtp/sasl*.c)) \
	$(addprefix lib/,base/mbed.c ctx/fetch.c ctx/store.c dns/records.c os/loop_poll.c) \
	$(addprefix lib/route/,conditions.c explain.c) \
	$(foreach f,blocking findings gate history history_list history_write keep login outcome pool proxy refusal \
	report secure security source trust way,lib/dial/$(f).c)
# What runs in every dial, much of it several times, is inlined where it is called.
ALWAYS   := $(foreach f,ctx dispatch ids op query socket watch,lib/ctx/$(f).c) \
	$(foreach f,hosts plan race request speak talk,lib/dial/$(f).c) \
	$(foreach f,loop loop_epoll socket,lib/os/$(f).c) $(foreach f,ehlo reply session,lib/smtp/$(f).c) lib/stream/tcp.c
INLINED  := $(call known,--param=max-inline-insns-auto=24 --param=inline-min-speedup=15)
PACE      = $(if $(FAST),$(if $(filter $(SELDOM),$<),-Os,$(if $(filter $(ALWAYS),$<),$(INLINED))))
COMPILE   = $(CC) $(FEATURES) $(INCLUDES) $(CPPFLAGS) $(MODE) $(SMALL) $(WARNINGS) $(CFLAGS) $(PACE) $(LTO_CC)
LINK      = $(CC) -pthread $(CFLAGS) $(LDFLAGS) $(LTO_LINK)
LIBS     := $(MBEDTLS_LIBS) -lunistring $(shell $(PKG) --libs $(REQUIRES))

# The unit tests have mbedTLS within, so that its malloc fails with the others.
UNIT_LIBS := $(patsubst -lmbed%,-l:libmbed%.a,$(LIBS))

# What is made.
objects   = $(patsubst %.c,$(BUILD)/%.o,$(1))
SHARED   := $(BUILD)/libmoxdial.so.$(VERSION)
STATIC   := $(BUILD)/libmoxdial.a
OWN_SHARED := $(OWN:%=$(BUILD)/libmoxdial-%.so.$(VERSION))
OWN_STATIC := $(OWN:%=$(BUILD)/libmoxdial-%.a)
COMMAND  := $(BUILD)/moxdial
DEMO     := $(BUILD)/moxdial-demo
UNIT     := $(BUILD)/unit-tests
SIM      := $(BUILD)/sim
LOG      := $(BUILD)/unit.log
FUZZERS  := $(patsubst test/fuzz/%.c,$(BUILD)/fuzzers/%,$(FUZZ_SRC))
BENCHES  := $(BUILD)/moxdial-bench $(patsubst %.c,$(BUILD)/%,$(BENCH_SRC) $(FLOOR_SRC))
PEERS    := $(patsubst %.c,$(BUILD)/%,$(PEER_SRC))
STAGE     = $(abspath $(BUILD))/stage

# The objects have both: code for all that is linked of them, and what the shared library is made of
# anew. base/mem.c is left out: where the size is known, GCC makes of mem_new a calloc again, which
# in glibc leaves the cache of small blocks alone.
ifeq ($(LTO),yes)
LTO_SRC   := $(filter-out lib/base/mem.c,$(LIB_SRC))
LTO_CC     = $(if $(filter $(LTO_SRC),$<),-flto=auto -ffat-lto-objects)
LTO_LINK  := -fno-lto
LTO_STRIP := -R '.gnu.lto_*' -R '.gnu.debuglto_*'
$(SHARED): private LTO_LINK := -flto=auto -fno-plt -fno-asynchronous-unwind-tables
endif

# A short line per step; `make V=1` shows the command instead.
Q    := $(if $(V),,@)
say   = $(if $(V),@:,@printf '%-8s %s\n' '$(1)' '$@')
# Writes its input to the target, which stays as old as it is if its text did not change.
renew = mkdir -p $(@D) && cat >$@.new && if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE all check check-unit check-sim check-curl check-store soak mutants check-threads \
	check-symbols check-cxx check-host check-python check-install check-examples check-cli check-docs \
	check-layers check-asan check-threaded check-tsan check-valgrind check-mbedtls3 check-analyzer objects \
	coverage check-live check-live-mbedtls3 fuzz fuzz-run lint tidy bench bench-csv bench-mbedtls3 \
	demo doc install uninstall clean help

all: $(SHARED) $(STATIC) $(OWN_SHARED) $(OWN_STATIC) $(COMMAND)

# Compiling.
$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c $< -o $@

$(BUILD)/lib/redis/%.o: private COMPILE += $(REDIS_CFLAGS)

# When the flags change, all is compiled again.
$(BUILD)/flags: FORCE
	@$(PKG) --exists $(REQUIRES) || { echo 'missing: $(REQUIRES); see scripts/setup'; exit 1; }
	@echo '$(COMPILE) $(UNPADDED) $(UNWISE) $(SELDOM) $(ALWAYS) $(INLINED) $(LINK)' | { $(renew); }

# Relocations take a tenth of the library; the linker packs them where it can (glibc 2.36 or newer
# reads that; `make PACKED=` leaves it out).
PACKED := $(shell $(LD) --help 2>/dev/null | grep -q pack-relative-relocs && \
	echo -Wl,-z,pack-relative-relocs)

# Libraries. The static one is a single object whose hidden names are local: a host has its own
# smtp_, dns_ and route_ functions, and a linker would take them for ours without a word.
$(SHARED): $(call objects,$(LIB_SRC)) lib/moxdial.map
	$(call say,LINK)
	$(Q)$(LINK) -shared $(PACKED) -Wl,-soname,$(SONAME) -Wl,--version-script=lib/moxdial.map \
		-Wl,--no-undefined -o $@ $(filter %.o,$^) $(LIBS)
	@ln -sf $(@F) $(BUILD)/$(SONAME)
	@ln -sf $(@F) $(BUILD)/libmoxdial.so

$(STATIC): $(call objects,$(LIB_SRC))
	$(call say,AR)
	$(Q)$(LD) -r -o $(BUILD)/libmoxdial.o $^
	$(Q)$(OBJCOPY) --localize-hidden $(LTO_STRIP) $(BUILD)/libmoxdial.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/libmoxdial.o

# Libraries of their own: $(1) is its name.
define own_library
own_$(1)_o := $(call objects,$(filter lib/$(folder_$(1))/% lib/apart/%,$(OWN_SRC)))

$(BUILD)/libmoxdial-$(1).so.$(VERSION): $$(own_$(1)_o) $(SHARED) lib/moxdial.map
	$$(call say,LINK)
	$$(Q)$$(LINK) -shared -Wl,-soname,libmoxdial-$(1).so$(SOVERSION) \
		-Wl,--version-script=lib/moxdial.map -Wl,--no-undefined -o $$@ $$(own_$(1)_o) \
		-L$(BUILD) -lmoxdial $$$$($(PKG) --libs $(package_$(1)))
	@ln -sf $$(@F) $(BUILD)/libmoxdial-$(1).so$(SOVERSION)
	@ln -sf $$(@F) $(BUILD)/libmoxdial-$(1).so

$(BUILD)/libmoxdial-$(1).a: $$(own_$(1)_o)
	$$(call say,AR)
	$$(Q)$$(LD) -r -o $(BUILD)/libmoxdial-$(1).o $$^
	$$(Q)$$(OBJCOPY) --localize-hidden $(BUILD)/libmoxdial-$(1).o
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $(BUILD)/libmoxdial-$(1).o
endef
$(foreach l,$(OWN),$(eval $(call own_library,$(l))))

# Programs.
$(COMMAND): $(call objects,$(TOOL_SRC)) $(OWN_STATIC) $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS) $(OWN_LIBS) $$($(PKG) --libs jansson)

# A witness: nothing of the library is in it.
$(BUILD)/moxdial-demo: $(call objects,$(DEMO_SRC))
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(MBEDTLS_LIBS)

# The shared library, for that is what a distribution's programs have.
$(BUILD)/moxdial-bench: $(call objects,$(DRIVER_SRC)) $(SHARED)
	$(call say,LINK)
	$(Q)$(LINK) -Wl,-rpath,'$$ORIGIN' -o $@ $^ $(LIBS)

$(BUILD)/bench/%: $(BUILD)/bench/%.o $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# What they measure is no part of the API.
$(BUILD)/bench/body $(BUILD)/bench/spf: $(BUILD)/bench/%: $(BUILD)/bench/%.o $(call objects,$(LIB_SRC))
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Floors and peers have nothing of the library in them.
$(BUILD)/bench/floor/%: $(BUILD)/bench/floor/%.o
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(if $(filter dns,$*),$$($(PKG) --libs libcares)) \
		$(if $(filter tls,$*),$(MBEDTLS_LIBS))

# A peer that is not installed is left out of the table; see scripts/setup bench. One is no client
# but the server of all TLS.
peer_curl    := libcurl
peer_esmtp   := libesmtp-1.0
peer_jansson := jansson
peer_yaml    := yaml-0.1
peer_tls_server := openssl
$(BUILD)/bench/peer/%: bench/peer/%.c
	$(call say,PEER)
	@mkdir -p $(@D)
	$(Q)if $(PKG) --exists $(peer_$*); then $(LINK) -o $@ $< $$($(PKG) --cflags --libs $(peer_$*)); \
		else echo 'left out, not installed: $(peer_$*)'; fi

# libspf2 ships no .pc.
$(BUILD)/bench/peer/spf2: bench/peer/spf2.c bench/spf.h
	$(call say,PEER)
	@mkdir -p $(@D)
	$(Q)if echo '#include <spf2/spf.h>' | $(CC) -E -x c - >/dev/null 2>&1; then \
		$(LINK) -I. -o $@ $< -lspf2; else echo 'left out, not installed: libspf2'; fi

# The unit tests: one program, whose malloc can be told to fail. Each test_x.c has a test_x.
$(UNIT): $(call objects,$(UNIT_SRC) $(LIB_SRC)) $(BUILD)/cases.o
	$(call say,LINK)
	$(Q)$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(UNIT_LIBS) \
		$$($(PKG) --libs check jansson yaml-0.1)

# The simulated network: seeds, each a whole world. Its malloc counts, and fails where one says so.
$(SIM): $(call objects,$(SIM_SRC) $(LIB_SRC))
	$(call say,LINK)
	$(Q)$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free -o $@ $^ $(LIBS)

CASES := $(filter test_%,$(basename $(notdir $(UNIT_SRC))))
$(BUILD)/cases.c: FORCE
	@{ echo '#include "test/unit/cases.h"'; printf 'TCase *%s(void);\n' $(CASES); \
		echo 'TCase *(*const test_cases[])(void) = {'; printf '%s,\n' $(CASES); echo '0};'; \
	} | { $(renew); }

$(BUILD)/cases.o: $(BUILD)/cases.c
	$(Q)$(COMPILE) -c $< -o $@

# Checks. No network, no root, seconds. The test runner's summary comes last, for whoever reads on.
check: check-unit check-sim check-curl check-store check-threads check-symbols check-cxx check-host \
	check-python check-install check-examples check-cli check-docs check-layers
	@grep '%: Checks:' $(LOG)

check-unit: $(UNIT)
	$(call say,TEST)
	$(Q)$(RUN) $(UNIT) >$(LOG) 2>&1 || { cat $(LOG); exit 1; }
	@grep -v ^Running $(LOG)

check-sim: $(SIM)
	$(call say,TEST)
	$(Q)$(RUN) $(SIM) --seeds test/sim/seeds.txt --count $(SIM_SEEDS)
	$(Q)$(RUN) $(SIM) --spf --count $(SIM_SEEDS)

# Any number of seeds, from SOAK_FROM on, a thousand at a time, on all processors.
soak: $(SIM)
	$(call say,TEST)
	$(Q)seq $(SOAK_FROM) 1000 $$(($(SOAK_FROM) + $(SEEDS) - 1)) | xargs -P $(JOBS) -I{} sh -c \
		'n=$$(($(SOAK_FROM) + $(SEEDS) - {})); [ $$n -lt 1000 ] || n=1000; \
		$(SIM) --quiet --from {} --count $$n && $(SIM) --quiet --spf --from {} --count $$n' && echo 'sim: $(SEEDS) seeds: all invariants hold'

# Each deliberate fault of test/mutants must be found by the unit tests or the simulator.
mutants:
	$(call say,TEST)
	$(Q)BUILD=$(BUILD)/mutants JOBS=2 test/mutants/run

# Contexts in several threads over one configuration that is reloaded.
check-threads: $(BUILD)/test/threads/threads
	$(call say,TEST)
	$(Q)$(RUN) $<

$(BUILD)/test/threads/threads: $(call objects,$(wildcard test/threads/*.c)) $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

check-symbols: $(SHARED) $(STATIC) $(OWN_SHARED) $(OWN_STATIC)
	$(call say,TEST)
	$(Q)test/symbols lib/moxdial.sym $(SHARED) $(STATIC) \
		$(filter-out %/curl.h %/sqlite.h %/redis.h,$(wildcard include/moxdial/*.h))
	$(Q)$(foreach l,$(OWN),test/symbols lib/$(folder_$(l))/$(l).sym \
		$(BUILD)/libmoxdial-$(l).so.$(VERSION) $(BUILD)/libmoxdial-$(l).a include/moxdial/$(l).h &&) :

# libmoxdial-curl against an HTTPS server on loopback.
check-curl: $(if $(filter curl,$(OWN)),$(BUILD)/curl-tests)
	$(call say,TEST)
	$(Q)[ -z '$<' ] || RUN='$(RUN)' test/curl/run $<

$(BUILD)/curl-tests: $(call objects,$(wildcard test/curl/*.c) test/unit/alloc.c $(LIB_SRC)) \
		$(BUILD)/libmoxdial-curl.a
	$(call say,LINK)
	$(Q)$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(LIBS) $(OWN_LIBS) \
		$$($(PKG) --libs check)

# The stores by the same suite: in memory, in a file, on a Redis that the tests start if there is one
# (REDIS_SERVER; test/live/run has it); and a Redis that they act.
check-store: $(BUILD)/store-tests
	$(call say,TEST)
	$(Q)RUN='$(RUN)' test/store/run $<

NO_STORE := $(if $(filter sqlite,$(NOT_OWN)),%/test_sqlite.c) \
	$(if $(filter redis,$(NOT_OWN)),$(addprefix %/,test_redis.c test_reply.c test_link.c wire_world.c))
$(BUILD)/store-tests: $(call objects,$(filter-out $(NO_STORE),\
		$(wildcard test/store/*.c)) test/unit/alloc.c $(LIB_SRC)) \
		$(filter-out %-curl.a,$(OWN_STATIC))
	$(call say,LINK)
	$(Q)$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(LIBS) $(OWN_LIBS) \
		$$($(PKG) --libs check)

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
SAN  = -DMOX_NO_SPARES -O1 -g -fno-omit-frame-pointer -fsanitize=
# ThreadSanitizer wants its addresses where they are; some containers do not allow to ask for it.
FIXED = $(shell setarch -R true 2>/dev/null && echo setarch -R)

check-asan:
	$(SUB) BUILD=$(BUILD)/asan $(FEWER_SEEDS) CFLAGS='$(SAN)address,undefined -fno-sanitize-recover=all' \
		RUN='env CK_FORK=no' check-unit check-sim check-store check-cli

# Of the unit tests those that have threads: all others run in one.
THREADED = api/config api/ctx ctx/dispatch os/loop resolver/files resolver/resolver stream/roots
check-tsan:
	$(SUB) BUILD=$(BUILD)/tsan CFLAGS='$(SAN)thread' RUN='$(FIXED) env CK_FORK=no' \
		check-threads check-threaded

check-threaded: $(UNIT)
	$(call say,TEST)
	$(Q)for case in $(THREADED); do MOX_TEST_CASE=$$case $(RUN) $(UNIT) || exit; done

# In small parts, so that all processors have something to do until the end; some of the parts will
# do where time is short.
VALGRIND_PARTS ?= 1 2 3 4 5 6 7 8
check-valgrind: $(VALGRIND_PARTS:%=$(BUILD)/valgrind-%.log)
$(BUILD)/valgrind-%.log: $(UNIT) FORCE
	$(call say,TEST)
	$(Q)MOX_TEST_PART=$*/8 CK_FORK=no valgrind -q --leak-check=full --error-exitcode=99 $(UNIT) \
		>$@.new 2>&1 || { cat $@.new; exit 1; }
	@mv $@.new $@ && grep '%: Checks:' $@

# The same on mbedTLS 3.6, which speaks TLS 1.3; Debian 13's is fetched into the build. Left out
# where it cannot be had, but not by CI.
MBEDTLS3 = $(abspath $(BUILD))/mbedtls-3.6
MBEDTLS3_LIBS = -L$(MBEDTLS3)/lib -Wl,-rpath,$(MBEDTLS3)/lib -lmbedtls -lmbedx509 -lmbedcrypto
WITH_MBEDTLS3 = BUILD=$(BUILD)/mbedtls3 MBEDTLS_CFLAGS='-I$(MBEDTLS3)/usr/include' \
	MBEDTLS_LIBS='$(MBEDTLS3_LIBS)'
check-mbedtls3:
	+$(Q)if scripts/mbedtls3 $(MBEDTLS3); then \
		$(MAKE) --no-print-directory $(WITH_MBEDTLS3) WERROR=-Werror $(MBEDTLS3_SEEDS) \
			check-unit check-sim check-cli; \
		else echo 'left out: mbedTLS 3.6 cannot be fetched'; [ -z "$$CI" ]; fi

# The paths that gcc follows through all of the library. What waits in a list of lib/redis, gcc 12
# takes for leaked.
check-analyzer:
	$(SUB) BUILD=$(BUILD)/analyzer CC=gcc CFLAGS='-O1 -g -fanalyzer' WERROR=-Werror \
		REDIS_CFLAGS=-Wno-analyzer-malloc-leak objects

objects: $(call objects,$(LIB_SRC) $(OWN_SRC))

# Lines and branches of lib/ that the tests reach; see doc/testing.md.
coverage:
	$(Q)mkdir -p $(BUILD)/coverage && find $(BUILD)/coverage -name '*.gcda' -delete
	$(SUB) BUILD=$(BUILD)/coverage CC=gcc CFLAGS='-O0 -g --coverage' $(FEWER_SEEDS) \
		check-unit check-sim check-cli
	$(Q)scripts/coverage $(BUILD)/coverage

# Real daemons on loopback, real networks in namespaces.
LIVE := $(patsubst %.c,$(BUILD)/%,$(wildcard test/live/*.c))
check-live: all $(LIVE) $(BUILD)/store-tests $(BUILD)/bench/peak
	$(call say,TEST)
	$(Q)BUILD=$(BUILD) PACKAGES=$(LIVE_PACKAGES) test/live/run

# The same on mbedTLS 3.6, as far as it has to do with that.
LIVE_PACKAGES ?= $(abspath $(BUILD))/packages
check-live-mbedtls3:
	+$(Q)scripts/mbedtls3 $(MBEDTLS3) && \
		$(MAKE) --no-print-directory $(WITH_MBEDTLS3) LIVE_PACKAGES=$(LIVE_PACKAGES) MOXDIAL_LIVE=tls check-live

$(BUILD)/test/live/%: $(BUILD)/test/live/%.o $(STATIC)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Each test/fuzz/x.c for FUZZ_SECONDS; seeds in test/fuzz/x/, words in x.dict, finds in the build.
fuzz:
	$(SUB) BUILD=$(BUILD)/fuzz CC=clang CXX=clang++ CFLAGS='$(SAN)fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all' fuzz-run

fuzz-run: $(FUZZERS:=.run)
$(BUILD)/fuzzers/%.run: $(BUILD)/fuzzers/% FORCE
	$(Q)f=$<; mkdir -p $$f.corpus; \
		seeds=test/fuzz/$*; dict=-dict=$$seeds.dict; [ -f $$seeds.dict ] || dict=; \
		[ -d $$seeds ] || seeds=; \
		$$f -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=$$f. $$dict $$f.corpus $$seeds >$$f.log 2>&1 || \
			{ cat $$f.log; exit 1; }; \
		echo "FUZZ     $$f:$$(sed -n 's/^stat::number_of_executed_units://p' $$f.log) runs"

$(BUILD)/fuzzers/%: $(BUILD)/test/fuzz/%.o $(call objects,$(LIB_SRC))
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS) $(WIRE_LIBS)

$(BUILD)/fuzzers/fuzz_policy: $(call objects,$(WIRE_SRC))
$(BUILD)/fuzzers/fuzz_policy: private WIRE_LIBS = $$($(PKG) --libs jansson)

lint:
	+$(Q)status=0; scripts/lint || status=1; \
		$(MAKE) --no-print-directory -k $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) tidy || status=1; \
		exit $$status

TIDY := $(patsubst %.c,$(BUILD)/tidy/%,$(LIB_SRC) $(OWN_SRC) $(TOOL_SRC) $(wildcard examples/*.c) $(DEMO_SRC))
tidy: $(TIDY)

$(BUILD)/tidy/%: %.c $(HEADERS) .clang-tidy
	$(call say,TIDY)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- -std=c11 $(FEATURES) $(INCLUDES) 2>$@.log || \
		{ cat $@.log; exit 1; }
	@touch $@

# Each figure beside its floor, its goal and the peers. BENCH: options and parts, as --quick dial.
bench: $(COMMAND) $(BENCHES) $(PEERS) $(SHARED)
	$(Q)bench/run $(BUILD) $(BENCH)

bench-csv: $(COMMAND) $(BENCHES) $(PEERS) $(SHARED)
	$(Q)bench/run --csv $(BUILD)/bench.csv $(BUILD) $(BENCH)

# The programs that mbedTLS 3.6 takes part in: with them `make bench` has rows for it too.
bench-mbedtls3:
	+$(Q)scripts/mbedtls3 $(MBEDTLS3) && $(MAKE) --no-print-directory $(WITH_MBEDTLS3) \
		$(BUILD)/mbedtls3/moxdial-bench $(BUILD)/mbedtls3/bench/floor/tls

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

$(BUILD)/%.pc: pkgconfig/%.pc.in FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCDIR@|$(INCDIR)|' \
		-e 's|@VERSION@|$(VERSION)|; s|@REQUIRES@|$(REQUIRES)|; s|@MBEDTLS@|$(MBEDTLS_LIBS)|; s|@CURL@|$(CURL)|' \
		-e 's|@SQLITE@|$(SQLITE)|; s|@REDIS@|$(REDIS)|' $< | \
		{ $(renew); }

PC := $(BUILD)/libmoxdial.pc $(OWN:%=$(BUILD)/libmoxdial-%.pc)

install: all $(PC)
	$(call say,INSTALL)
	@install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCDIR)/moxdial \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5
	$(Q)install -m 644 $(wildcard include/*.h) $(DESTDIR)$(INCDIR)
	$(Q)install -m 644 $(filter include/moxdial/%,$(PUBLIC)) $(DESTDIR)$(INCDIR)/moxdial
	$(Q)install -m 644 $(STATIC) $(OWN_STATIC) $(DESTDIR)$(LIBDIR)
	$(Q)install -m 755 $(SHARED) $(OWN_SHARED) $(DESTDIR)$(LIBDIR)
	@for l in libmoxdial $(OWN:%=libmoxdial-%); do \
		ln -sf $$l.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$$l.so$(SOVERSION); \
		ln -sf $$l.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$$l.so; done
	$(Q)install -m 644 $(PC) $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)install -m 755 $(COMMAND) $(DESTDIR)$(BINDIR)
	$(Q)for f in $(MAN1); do install -m 644 $$f $(DESTDIR)$(MANDIR)/man1; done
	$(Q)for f in $(MAN5); do install -m 644 $$f $(DESTDIR)$(MANDIR)/man5; done

uninstall:
	$(call say,REMOVE)
	$(Q)rm -f $(DESTDIR)$(BINDIR)/moxdial $(addprefix $(DESTDIR)$(LIBDIR)/pkgconfig/,$(notdir $(PC))) \
		$(addprefix $(DESTDIR)$(LIBDIR)/,$(notdir $(SHARED) $(STATIC)) $(SONAME) libmoxdial.so) \
		$(addprefix $(DESTDIR)$(LIBDIR)/,$(notdir $(OWN_SHARED) $(OWN_STATIC)) \
			$(foreach l,$(OWN),libmoxdial-$(l).so libmoxdial-$(l).so$(SOVERSION))) \
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
	@echo 'soak, mutants   SEEDS more seeds of the simulated network; the deliberate faults it must find'
	@echo 'check-asan, check-tsan, check-valgrind   the tests under these tools'
	@echo 'check-mbedtls3  the tests on mbedTLS 3.6 as Debian 13 has it, which is fetched'
	@echo 'check-analyzer  all of the library under gcc -fanalyzer'
	@echo 'coverage        what the tests reach of lib/, by gcov'
	@echo 'check-live      against real daemons on loopback, real networks in namespaces'
	@echo 'check-live-mbedtls3  the same on mbedTLS 3.6'
	@echo 'fuzz            each fuzzer for FUZZ_SECONDS'
	@echo 'lint            clang-tidy, cppcheck, layers, sizes, layout'
	@echo 'bench bench-csv doc   figures, in a table or in build/bench.csv too; Doxygen'
	@echo 'bench-mbedtls3  builds what `make bench` then measures on mbedTLS 3.6 too'
	@echo 'install, uninstall, clean'
	@echo 'Settings: CC CFLAGS CPPFLAGS LDFLAGS PREFIX LIBDIR DESTDIR; DNS=none CURL=none SQLITE=none'
	@echo 'REDIS=none; LTO=yes; WERROR=-Werror; V=1'

-include $(shell find $(BUILD) -name packages -prune -o -name '*.d' -print 2>/dev/null)
