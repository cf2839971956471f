# SPDX-License-Identifier: GPL-3.0-or-later
# make kernel-test - the tests on Debian's own kernel, emulated: tests/kernel/run. Not in CI.
#
#   make kernel-test GROUPS=system/echo    those groups only

.PHONY: kernel-test
kernel-test:
	@tools/deps kernel
	@$(MAKE) --no-print-directory programs
	@tests/kernel/run $(GROUPS)
