# SPDX-License-Identifier: GPL-3.0-or-later
# The simulator: whole services with real plugins in the simulated world.

SCENARIO := $(call objects,$(wildcard tests/scenario/*.c))

.PHONY: sim
programs: $(BUILD)/tests/simulate

$(BUILD)/tests/simulate: $(SCENARIO) $(SIM) $(CORE_SIM)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(LIBS)

# make sim SEEDS=n, or SEEDS=first-last
SEEDS ?= 2000
sim:
	@tools/deps build
	@$(MAKE) --no-print-directory all $(BUILD)/tests/plugins/link.so \
	    $(BUILD)/tests/plugins/desk.so $(BUILD)/tests/simulate
	@$(BUILD)/tests/simulate --build $(BUILD) --seeds $(SEEDS)

# The same over real kernels: plain runs, to be compared (tests/scenario/differ.sh).
programs: $(BUILD)/tests/simulate-real

$(BUILD)/obj/tests/real/simulate.o: $(BUILD)/obj/tests/scenario/main.o
	@mkdir -p $(@D)
	$(call say,OC)objcopy --redefine-sym main=real_main $< $@

$(BUILD)/tests/simulate-real: $(filter-out %/scenario/main.o,$(SCENARIO)) $(REAL) \
    $(BUILD)/obj/tests/real/main.o $(BUILD)/obj/tests/real/simulate.o $(CORE_SIM)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(URING) $(LIBS)

# What was planted in the core is found: two dozen builds, half a minute. Not a part of make check.
.PHONY: planted
planted:
	@tools/deps build
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) tests/fail/planted.sh
