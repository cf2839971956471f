# SPDX-License-Identifier: GPL-3.0-or-later
# make asan, make tsan, make valgrind - the tests with programs that watch themselves.
#
#   make asan GROUPS=system/poison         those groups only; else all that run the program
# Under AddressSanitizer the kernel's receive buffers are poisoned, too (server/poison.h). Under
# ThreadSanitizer Criterion does not start and talks have one thread: what has threads is run, and
# stress.sh above all. valgrind.sh is a smoke test of the released build.

.PHONY: asan tsan valgrind
programs: $(BUILD)/tests/load

$(BUILD)/tests/load: tests/sanitizers/load.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) -o $@ $<

asan:
	@tools/deps check
	@$(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined programs
	@LSAN_OPTIONS=suppressions=$(CURDIR)/tests/sanitizers/leaks:print_suppressions=0 \
	    BUILD=build/asan SEEDS=$${SEEDS:-200} tests/run $(or $(GROUPS),code)

tsan:
	@tools/deps check
	@$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread all build/tsan/tests/load \
	    $(patsubst $(BUILD)/%,build/tsan/%,$(HELPERS) $(TEST_PLUGINS))
	@BUILD=build/tsan tests/run $(or $(GROUPS),stress system epoll)

valgrind:
	@tools/deps check
	@$(MAKE) --no-print-directory all build/tests/load build/tests/await build/tests/freeport
	@tests/run valgrind
