# SPDX-License-Identifier: GPL-3.0-or-later
# make analyze - clang-tidy over server, sdk, plugins and tools: tools/analyze.

.PHONY: analyze
analyze:
	@tools/deps check
	@BUILD=$(BUILD) tools/analyze
