# SPDX-License-Identifier: GPL-3.0-or-later
# make torture - every fallible call of every talk script fails in turn; CI takes a part of them.
# make torture BUILD=build/asan SANITIZE=address,undefined    the same under AddressSanitizer

.PHONY: torture
torture:
	@tools/deps check
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) tests/torture/run.sh
