# SPDX-License-Identifier: GPL-3.0-or-later
# The scoreboard: its loads, and what of the tests its rows use. OPTIONS="--quick --row chat"
SCORE_LOADS := $(patsubst tools/score/%.c,$(BUILD)/score/%,$(wildcard tools/score/*.c))

.PHONY: scoreboard scoreboard-build
scoreboard-build: all benches $(HELPERS) $(SCORE_LOADS)
scoreboard:
	@tools/deps check
	@$(MAKE) --no-print-directory scoreboard-build
	@BUILD=$(BUILD) tools/score/run $(OPTIONS)

$(BUILD)/score/%: tools/score/%.c tools/score/score.h tools/bench/bench.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -std=c17 -D_GNU_SOURCE -O2 $(WARNINGS) -o $@ $<
