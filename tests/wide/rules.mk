# SPDX-License-Identifier: GPL-3.0-or-later
# The examples of the SDK: built as a reader would, for their talks and the system test.
EXAMPLES := $(patsubst sdk/examples/%.c,$(BUILD)/examples/%.so,$(wildcard sdk/examples/*.c))
programs: $(EXAMPLES)

$(BUILD)/obj/sdk/examples/%.o: sdk/examples/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(PLUGIN_CFLAGS) -MMD -MP -c -o $@ $<

$(EXAMPLES): $(BUILD)/examples/%.so: $(BUILD)/obj/sdk/examples/%.o
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(PLUGIN_LDFLAGS) -o $@.new $^ && mv $@.new $@
