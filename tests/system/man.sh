#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual pages name every command of gyrectl, every option of [server] and of the host, and say
# which exit status means what; the programs end as they say.
. "$(dirname "$0")/lib.sh"
for page in tools/man/*.[58]; do
    command -v mandoc >/dev/null || { skip "no mandoc"; break; }
    same "$page is sound" "" "$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'Xr\|RFC')"
done
while read -r name; do
    holds "gyrectl(8) has $name" grep -Eq "^\.It $name( |\$)" tools/man/gyrectl.8
done < <("$BUILD/gyrectl" --help | sed -n 's/^  \([a-z-]*\).*/\1/p' | sort -u)
while read -r name; do
    holds "gyre.conf(5) has $name" grep -Eq "^\.It Ic $name( |\$)" tools/man/gyre.conf.5
done < <(sed -n 's/^    ROW("\([a-z_]*\)".*/\1/p' server/option.c)
"$BUILD/gyre" >/dev/null 2>&1
same "gyre without a configuration" 2 $?
"$BUILD/gyre" --check "$T/none" >/dev/null 2>&1
same "a check of nothing" 1 $?
ctl status >/dev/null 2>&1
same "gyrectl without a server" 1 $?
ctl nonsense >/dev/null 2>&1
same "gyrectl without a command" 2 $?
