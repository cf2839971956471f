# SPDX-License-Identifier: GPL-3.0-or-later
# The programs of tests/sim over real rings and real sockets of the loopback: the same objects,
# linked with tests/real instead of the simulated kernel.

REAL := $(filter-out $(BUILD)/obj/tests/real/main.o,$(call objects,$(wildcard tests/real/*.c))) \
    $(call objects,$(wildcard tests/sim/alloc*.c) tests/sim/base.c tests/sim/account.c \
        tests/sim/doors.c tests/sim/shadow.c)

programs: $(BUILD)/tests/talk-real

# gyre-test's main is called by that of tests/real, which takes --ring.
$(BUILD)/obj/tests/real/gyre-test.o: $(BUILD)/obj/tools/gyre-test.o
	@mkdir -p $(@D)
	$(call say,OC)objcopy --redefine-sym main=real_main $< $@

$(BUILD)/tests/talk-real: $(REAL) $(BUILD)/obj/tests/real/main.o \
    $(BUILD)/obj/tests/real/gyre-test.o $(call objects,$(wildcard tools/talk*.c)) $(CORE_SIM)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(URING) $(LIBS)
