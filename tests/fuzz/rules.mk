# SPDX-License-Identifier: GPL-3.0-or-later
# What fuzzing builds; README.md says how it is used. The same sources make two kinds of programs:
# with libFuzzer, in a build folder of its own (make fuzz); and, in every other build, programs that
# replay files (replay.c).
#
#   make fuzz PLUGIN=echo TIME=60      make fuzz TARGET=ini      seconds; the targets: README.md

FUZZ_BUILD ?= build/fuzz
FUZZ_SANITIZE := fuzzer-no-link,address,undefined
FUZZ_PARTS := driver steps world promises plugin mutate ini_mutate lines libfuzzer replay arena
FUZZ_TARGETS := $(filter-out $(FUZZ_PARTS),$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_PLUGINS := $(PLUGINS) planted
fuzz_objects = $(call objects,$(addprefix tests/fuzz/,$(addsuffix .c,$(1))))

# The harness itself is no place to look for bugs: neither its coverage nor its speed shall count.
$(BUILD)/obj/tests/fuzz/%.o: private HOST_CFLAGS += -Itests/sim -Itools -I.
ifneq ($(findstring fuzzer,$(SANITIZE)),)
$(BUILD)/obj/tests/sim/%.o: private HOST_CFLAGS += -fno-sanitize=all
$(call fuzz_objects,$(FUZZ_PARTS)): private HOST_CFLAGS += -fno-sanitize=all
# Comparisons are traced where bytes are read. In what only turns, most of them are UBSan's own, and
# cost half of the time; and of its checks those for null pointers, which ASan sees as well.
FUZZ_TURNS := actor address api bus dgram dial inbox listen mail mem pool queue request ring \
    section send service stats stream timer watching worker services/cache services/file \
    services/shared services/work
$(call objects,$(FUZZ_TURNS:%=server/%.c)): private HOST_CFLAGS += \
    -fno-sanitize-coverage=trace-cmp,indirect-calls -fno-sanitize=null,alignment,pointer-overflow,object-size
FUZZ_MAIN := libfuzzer
FUZZ_MUTATE := mutate
FUZZ_SIM := $(BUILD)/sim-arena.a $(call fuzz_objects,arena)
FUZZ_LIBFUZZER := -fsanitize=fuzzer
FUZZ_PROGRAMS := $(addprefix $(BUILD)/targets/,$(FUZZ_TARGETS) $(FUZZ_PLUGINS))
else
FUZZ_MAIN := replay
FUZZ_SIM := $(SIM)
FUZZ_PROGRAMS := $(addprefix $(BUILD)/targets/,$(FUZZ_TARGETS) plugin)
endif
FUZZ_COMMON := $(call fuzz_objects,driver $(FUZZ_MAIN))
FUZZ_PLAYER := $(call fuzz_objects,steps world promises plugin $(FUZZ_MUTATE)) \
    $(call objects,tools/talk_text.c) $(FUZZ_COMMON) $(FUZZ_SIM)

.PHONY: fuzz fuzz-programs fuzz-build fuzz-merge
fuzz-programs: $(FUZZ_PROGRAMS)
programs: fuzz-programs

fuzz_link = @mkdir -p $(@D) && $(if $(V),,echo '  LD  $@' &&) $(CC) $(HOST_LDFLAGS) $(FUZZ_LIBFUZZER) \
    -Wl,--export-dynamic-symbol=gyre_plugin_v1     -o $@ $^ $(URING) $(LIBS)

$(addprefix $(BUILD)/targets/,$(FUZZ_TARGETS)): $(BUILD)/targets/%: $(BUILD)/obj/tests/fuzz/%.o \
    $(call fuzz_objects,lines) $(FUZZ_COMMON) $(SIM) $(CORE_SIM)
	$(fuzz_link)

$(BUILD)/targets/ini: $(call fuzz_objects,$(FUZZ_MUTATE:mutate=ini_mutate))

# The simulated kernel allocates as the core does, from arena.c: its buffers are of exact size.
$(BUILD)/sim-arena.a: $(filter-out %/alloc.o,$(SIM)) tests/sim/alloc.syms
	$(call say,AR)rm -f $@ && ar rcs $@ $(filter %.o,$^) && \
	    objcopy --redefine-syms=tests/sim/alloc.syms $@

# A plugin is a part of its fuzzer, so that its coverage counts; a replay loads it, as ever.
define fuzz_plugin_rule
$(BUILD)/targets/$(1): $(if $(filter planted,$(1)),$(BUILD)/obj/tests/plugins/planted.o,\
    $(call plugin_objects,$(1))) $(FUZZ_PLAYER) $(CORE_SIM)
	$$(fuzz_link)
endef
$(foreach p,$(FUZZ_PLUGINS),$(eval $(call fuzz_plugin_rule,$(p))))

$(BUILD)/targets/plugin: $(FUZZ_PLAYER) $(CORE_SIM)
	$(fuzz_link)

fuzz: fuzz-build
	@FUZZ_BUILD=$(FUZZ_BUILD) tests/fuzz/fuzz.sh '$(or $(TARGET),$(PLUGIN))' $(or $(TIME),60)

# What the fuzzer kept, as few files as reach the same edges, into tests/fuzz/corpus.
fuzz-merge: fuzz-build
	@FUZZ_BUILD=$(FUZZ_BUILD) tests/fuzz/merge.sh $(or $(TARGET),$(PLUGIN))

fuzz-build:
	@tools/deps fuzz
	@$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=clang SANITIZE=$(FUZZ_SANITIZE) \
	    fuzz-programs
