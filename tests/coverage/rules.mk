# SPDX-License-Identifier: GPL-3.0-or-later
# make coverage - which branches of sdk/, plugins/ and server/ no test takes. With clang: its
# counters can live in the profile files themselves (%c), so that a process which is killed, aborts
# or leaves by _exit has still been counted, and so has one with another user.
#
#   make coverage                    all groups, a table, and build/coverage/uncovered.txt
#   make coverage GROUPS=unit        those groups only

COVER_BUILD := build/coverage
# The groups of tests/run that run these sources. With fewer of them no goal is to be reached.
COVER_GROUPS = $(shell sed -n 's/^code="\(.*\)"$$/\1/p' tests/run)

.PHONY: coverage
coverage:
	@tools/deps coverage
	@$(MAKE) --no-print-directory BUILD=$(COVER_BUILD) CC=$(or $(CLANG),clang) COVER=1 programs
	@BUILD=$(COVER_BUILD) COVER_PART='$(GROUPS)' \
	    tests/coverage/run $(or $(GROUPS),$(COVER_GROUPS))

ifdef COVER
# Atomic: several processes write into one file. The path is built in: services get a clean
# environment. %m is one file for each program and plugin.
COVER_LINK := -fprofile-instr-generate=$(abspath $(BUILD))/profiles/%m%c.profraw
COVER_FLAGS := $(COVER_LINK) -fcoverage-mapping -fprofile-update=atomic \
    -mllvm -runtime-counter-relocation
$(foreach folder,server tools tests/sim tests/unit tests/real tests/scenario,\
    $(BUILD)/obj/$(folder)/%.o): private HOST_CFLAGS += $(COVER_FLAGS)
# Plugins for tests are not watched: their statics are locked, as those of any plugin are.
$(BUILD)/obj/plugins/%.o: private PLUGIN_CFLAGS += $(COVER_FLAGS)
$(PROGRAMS) $(BUILD)/unit $(addprefix $(BUILD)/tests/,talk-real simulate simulate-real): private HOST_LDFLAGS += $(COVER_LINK)
$(BUILD)/targets/%: private HOST_LDFLAGS += $(COVER_LINK)
$(PLUGIN_FILES): private PLUGIN_LDFLAGS += $(COVER_LINK)
endif
