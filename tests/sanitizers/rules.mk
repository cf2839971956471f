# SPDX-License-Identifier: GPL-3.0-or-later
# make asan, make tsan - the tests with programs that watch themselves.
#
#   make asan GROUPS=system/poison         those groups only; else all that run the program
# Under AddressSanitizer the kernel's receive buffers are poisoned, too (server/poison.h). Under
# ThreadSanitizer Criterion does not start and talks have one thread: what has threads is run.

.PHONY: asan tsan
asan:
	@tools/deps check
	@$(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined programs
	@BUILD=build/asan SEEDS=$${SEEDS:-200} tests/run $(or $(GROUPS),code)

tsan:
	@tools/deps check
	@$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread all \
	    $(HELPERS:$(BUILD)/%=build/tsan/%)
	@BUILD=build/tsan tests/run $(or $(GROUPS),system epoll)
