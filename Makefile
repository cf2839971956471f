# SPDX-License-Identifier: GPL-3.0-or-later
# Plain make, no configure. All that is built goes to build/.
#
#   make run      install what is missing, build, serve conf.d/ in the foreground
#   make check    install what is missing, build, run every test
#   make          build everything       make CC=clang      the same with another compiler
#   make asan     tests under AddressSanitizer and UBSan     make tsan   under ThreadSanitizer
#   make kernel-test   on Debian's own kernel, emulated
#   make coverage which branches no test takes
#   make fuzz     PLUGIN=echo or TARGET=ini, TIME=60: inputs that nobody thought of
#   make bench    measure against the limit and against other servers
#   make scoreboard   what must hold while everything is changed, killed and crowded
#   make docs     write the option tables into plugins/*/README.md
#   make tidy     check the rules of the code      make install DESTDIR= PREFIX=      make clean

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# In parallel, unless somebody says -j: while a makefile is read, only the command line tells.
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(shell tr '\0' ' ' </proc/$$PPID/cmdline)),0)
MAKEFLAGS += -j$(shell nproc)
endif

BUILD ?= build
DESTDIR ?=
PREFIX ?= /usr/local
INSTALL ?= install
ifeq ($(origin CC),default)
CC := gcc
endif

# ---- flags ----

WARNINGS := -Wall -Wextra -Werror -Wconversion -Wshadow -Wvla -Walloca -Wformat=2 \
    -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough
# Those of these that the compiler knows: the hardening differs between compilers and machines.
WANTED := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
    -mbranch-protection=standard -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr \
    -fstrict-flex-arrays=2 -fno-delete-null-pointer-checks
known = $(shell for flag in $(1); do \
    echo 'int x;' | $(CC) -Werror $$flag -x c -c -o /dev/null - 2>/dev/null && echo $$flag; done)

SANITIZE ?=
ifeq ($(SANITIZE),)
GUARDS := $(call known,$(WANTED)) -fwrapv -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
GUARDS_LINK := -Wl,-z,relro,-z,now,-z,noexecstack
PLUGIN_LINK := -Wl,-z,defs
else
GUARDS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer \
    $(if $(findstring thread,$(SANITIZE)),$(call known,-Wno-tsan)) # of fences it knows nothing
GUARDS_LINK := -fsanitize=$(SANITIZE)
PLUGIN_LINK :=
endif

ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -Isdk -Iserver -O2 -gdwarf-4 -pthread -fno-strict-aliasing \
    $(WARNINGS) $(GUARDS) $(CFLAGS)
HOST_CFLAGS := $(ALL_CFLAGS) -fPIE
PLUGIN_CFLAGS := $(ALL_CFLAGS) -fPIC -fvisibility=hidden
HOST_LDFLAGS := -pie -pthread $(GUARDS_LINK) $(LDFLAGS)
PLUGIN_LDFLAGS := -shared $(GUARDS_LINK) $(PLUGIN_LINK) $(LDFLAGS)
# liburing in its static form: the shared one of Debian 12 lacks calls that its header declares.
URING := -Wl,-Bstatic -luring -Wl,-Bdynamic
LIBS := -linih -ldl

# ---- what is made of what ----

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

SERVER := $(call objects,$(wildcard server/*.c server/services/*.c))
# Tests take from this archive what they need, and no more: the test host brings a kernel of its
# own instead of ring.c, and is linked without liburing.
CORE := $(BUILD)/core.a
CTL := $(call objects,$(wildcard tools/gyrectl*.c tools/json.c) server/places.c server/words.c server/nearest.c)
# The simulated kernel; with it goes the core whose allocations can fail (tests/sim/alloc.h).
SIM := $(call objects,$(wildcard tests/sim/*.c))
CORE_SIM := $(BUILD)/core-sim.a
TALK := $(call objects,$(wildcard tools/gyre-test.c tools/talk*.c)) $(SIM)
PLUGINS := $(patsubst plugins/%/,%,$(sort $(dir $(wildcard plugins/*/*.c))))
PLUGIN_FILES := $(PLUGINS:%=$(BUILD)/plugins/%.so)
plugin_objects = $(call objects,$(wildcard plugins/$(1)/*.c))
# Of the plugins, what unit tests link: everything but the files with the descriptors, which are
# named like the plugins.
PARTS := $(call objects,$(foreach p,$(PLUGINS),\
    $(filter-out plugins/$(p)/$(p).c,$(wildcard plugins/$(p)/*.c))))
UNIT := $(call objects,$(wildcard tests/unit/*.c))
BENCH := $(patsubst tools/bench/%.c,$(BUILD)/bench/%,$(wildcard tools/bench/*.c))
HELPERS := $(patsubst tests/system/%.c,$(BUILD)/tests/%,$(wildcard tests/system/*.c))
# Plugins for tests of the core alone. odd.c is many: each is wrong in another way.
ODD := $(sort $(shell sed -n 's/^\#ifdef ODD_\([A-Z_]*\)$$/\1/p' tests/plugins/odd.c))
TEST_PLUGINS := $(patsubst tests/plugins/%.c,$(BUILD)/tests/plugins/%.so,\
    $(wildcard tests/plugins/*.c)) $(ODD:%=$(BUILD)/tests/plugins/odd/%.so)

# One short line for each thing that is made; V=1 shows the commands.
V ?=
say = $(if $(V),,@echo '  $(1)  $@' && )

PROGRAMS := $(BUILD)/gyre $(BUILD)/gyrectl $(BUILD)/gyre-test

.PHONY: all benches run check bench docs tidy clean install uninstall unit programs FORCE
all: $(PROGRAMS) $(PLUGIN_FILES)
unit: $(BUILD)/unit $(TEST_PLUGINS)
programs: all unit $(HELPERS)
benches: $(BENCH) $(TEST_PLUGINS)

# Written when the compiler or a flag changes: everything is made again then.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) $(PLUGIN_LDFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) $(PLUGIN_LDFLAGS)' >$@

$(BUILD)/obj/plugins/%.o: plugins/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(PLUGIN_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/plugins/%.o: tests/plugins/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(PLUGIN_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/plugins/odd/%.o: tests/plugins/odd.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(PLUGIN_CFLAGS) -DODD_$* -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/unit/%.o: tests/unit/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HOST_CFLAGS) -I. -Itests/sim -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gyre: $(SERVER)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(URING) $(LIBS)

$(BUILD)/gyrectl: $(CTL)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^

$(BUILD)/gyre-test: $(TALK) $(CORE_SIM)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/unit: $(UNIT) $(SIM) $(BUILD)/parts.a $(CORE_SIM)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(URING) $(LIBS) -lcriterion

$(CORE): $(filter-out $(BUILD)/obj/server/main.o,$(SERVER))
	$(call say,AR)rm -f $@ && ar rcs $@ $^

$(CORE_SIM): $(CORE) tests/sim/alloc.syms
	$(call say,AR)objcopy --redefine-syms=tests/sim/alloc.syms $< $@

$(BUILD)/parts.a: $(PARTS)
	$(call say,AR)rm -f $@ && ar rcs $@ $^

$(TEST_PLUGINS): $(BUILD)/tests/plugins/%.so: $(BUILD)/obj/tests/plugins/%.o
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(PLUGIN_LDFLAGS) -o $@.new $^ && mv $@.new $@

$(BUILD)/tests/%: tests/system/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) -o $@ $<

# Without hardening, and with what the floors need: the limit is to be a limit.
$(BUILD)/bench/%: tools/bench/%.c $(wildcard tools/bench/*.h) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -std=c17 -D_GNU_SOURCE -O2 $(WARNINGS) -o $@ $< $(URING) -lm

define plugin_rule
$(BUILD)/plugins/$(1).so: $(call plugin_objects,$(1))
	@mkdir -p $$(@D)
	$$(call say,LD)$$(CC) $$(PLUGIN_LDFLAGS) -o $$@.new $$^ && mv $$@.new $$@
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_rule,$(p))))

# What a kind of test needs beyond this stands beside it.
include $(wildcard tests/*/rules.mk tools/*/rules.mk)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- to run and to check ----

# deps comes first, by a make of its own: what it installs is looked for when a makefile is read.
# At a terminal the server is a job of its own, so that Ctrl-C ends it alone: make then ends with 0.
run:
	@tools/deps build
	@$(MAKE) --no-print-directory all
	@test -t 0 || exec $(BUILD)/gyre conf.d; set -m; $(BUILD)/gyre conf.d

check:
	@tools/deps check
	@$(MAKE) --no-print-directory programs
	@$(MAKE) --no-print-directory fuzz-build
	@BUILD=$(BUILD) CC='$(CC)' tests/run

bench:
	@tools/deps bench
	@$(MAKE) --no-print-directory all benches
	@BUILD=$(BUILD) tools/bench/run

docs: all
	@BUILD=$(BUILD) tests/docs write

tidy:
	@tools/tidy

clean:
	rm -rf build

# ---- installing ----

BINDIR := $(PREFIX)/bin
LIBDIR := $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include/gyre
DATADIR := $(PREFIX)/share/gyre
DOCDIR := $(PREFIX)/share/doc/gyre
PLUGINDIR := $(LIBDIR)/gyre/plugins
UNITDIR := $(LIBDIR)/systemd/system
MANDIR := $(PREFIX)/share/man
SYSCONFDIR := $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
CONFDIR := $(SYSCONFDIR)/gyre/conf.d
# The SDK's: the series of the changelog's newest release, and GYRE_MINOR; tools/abi checks both.
SDK_VERSION := $(shell sed -n 's/^\#\# \([0-9]*\)\..*/\1/p' sdk/CHANGELOG.md | head -n 1).$(shell \
    sed -n 's/^\#define GYRE_MINOR \([0-9]*\).*/\1/p' sdk/gyre.h)

# Paths of the checkout become paths of the installation.
ADAPT := sed -e 's|^;plugins = .*|plugins = $(PLUGINDIR)|' -e 's|\.\./plugins/http/www|$(DATADIR)/www|' \
    -e 's|\.\./plugins/dns/zones|$(DATADIR)/zones|' -e 's|\.\./plugins/finger/|$(DATADIR)/finger/|' \
    -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@CONFDIR@|$(CONFDIR)|g' \
    -e 's|@VERSION@|$(SDK_VERSION)|g'
CONF_FILES := $(notdir $(wildcard conf.d/*.ini))
SERVICES := $(notdir $(wildcard sdk/services/*.h))
to = $(DESTDIR)$(1)

install: all
	$(INSTALL) -d $(call to,$(BINDIR)) $(call to,$(PLUGINDIR)) $(call to,$(INCLUDEDIR)/services) \
	    $(call to,$(LIBDIR)/pkgconfig) $(call to,$(UNITDIR)) $(call to,$(CONFDIR)) \
	    $(call to,$(DATADIR)) $(call to,$(DOCDIR)/plugins)
	$(INSTALL) -m 755 $(PROGRAMS) tools/gyre-new $(call to,$(BINDIR))
	$(INSTALL) -m 644 $(PLUGIN_FILES) $(call to,$(PLUGINDIR))
	$(INSTALL) -m 644 sdk/gyre.h sdk/bytes.h sdk/LICENSE $(call to,$(INCLUDEDIR))
	$(INSTALL) -m 644 $(SERVICES:%=sdk/services/%) $(call to,$(INCLUDEDIR)/services)
	$(ADAPT) sdk/gyre.pc.in >$(call to,$(LIBDIR)/pkgconfig/gyre.pc)
	$(ADAPT) tools/gyre.service >$(call to,$(UNITDIR)/gyre.service)
	@for file in $(CONF_FILES); do \
	    to="$(call to,$(CONFDIR))/$$file"; \
	    if [ -e "$$to" ]; then echo "kept as it is: $$to"; \
	    else $(ADAPT) conf.d/$$file >"$$to"; fi; \
	done
	@for folder in plugins/http/www plugins/dns/zones plugins/finger/people; do \
	    [ -d $$folder ] || continue; \
	    case $$folder in plugins/finger/*) to=$(call to,$(DATADIR)/finger);; \
	        *) to=$(call to,$(DATADIR));; esac; \
	    mkdir -p $$to; cp -R $$folder $$to/; \
	done
	chmod -R u=rwX,go=rX $(call to,$(DATADIR)) $(call to,$(SYSCONFDIR)/gyre) \
	    $(call to,$(LIBDIR)/pkgconfig/gyre.pc) $(call to,$(UNITDIR)/gyre.service)
	$(INSTALL) -d $(call to,$(MANDIR)/man5) $(call to,$(MANDIR)/man8)
	$(INSTALL) -m 644 tools/man/gyre.conf.5 $(call to,$(MANDIR)/man5)
	$(INSTALL) -m 644 tools/man/gyre.8 tools/man/gyrectl.8 $(call to,$(MANDIR)/man8)
	$(INSTALL) -m 644 README.md LICENSE $(call to,$(DOCDIR))
	@for plugin in $(PLUGINS); do \
	    [ ! -f plugins/$$plugin/README.md ] || \
	    $(INSTALL) -m 644 plugins/$$plugin/README.md $(call to,$(DOCDIR))/plugins/$$plugin.md; \
	done

# Leaves behind the configuration files that somebody has changed, and what install did not bring.
uninstall:
	rm -f $(addprefix $(call to,$(BINDIR))/,gyre gyrectl gyre-test gyre-new)
	rm -f $(PLUGINS:%=$(call to,$(PLUGINDIR))/%.so)
	rm -rf $(call to,$(INCLUDEDIR)) $(call to,$(DATADIR)) $(call to,$(DOCDIR))
	rm -f $(call to,$(MANDIR)/man5/gyre.conf.5) $(addprefix $(call to,$(MANDIR)/man8)/,gyre.8 gyrectl.8)
	rm -f $(call to,$(LIBDIR)/pkgconfig/gyre.pc) $(call to,$(UNITDIR)/gyre.service)
	@for file in $(CONF_FILES); do \
	    at="$(call to,$(CONFDIR))/$$file"; [ -e "$$at" ] || continue; \
	    if $(ADAPT) conf.d/$$file | cmp -s - "$$at"; then rm -f "$$at"; \
	    else echo "left, it was changed: $$at"; fi; \
	done
	@rmdir -p $(call to,$(PLUGINDIR)) $(call to,$(CONFDIR)) 2>/dev/null || true
