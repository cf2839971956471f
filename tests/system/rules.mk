# SPDX-License-Identifier: GPL-3.0-or-later
# What the system tests need beyond their own small programs: a gyre that cannot read the handover of
# this one.
HELPERS += $(BUILD)/tests/gyre-other
programs: $(BUILD)/tests/gyre-other

$(BUILD)/obj/tests/system/other.o: server/takeover.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HOST_CFLAGS) -DHANDOVER_FORMAT=99 -MMD -MP -c -o $@ $<

$(BUILD)/tests/gyre-other: $(filter-out $(BUILD)/obj/server/takeover.o,$(SERVER)) \
    $(BUILD)/obj/tests/system/other.o
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(URING) $(LIBS)
