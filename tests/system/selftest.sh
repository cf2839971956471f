#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyre --selftest: what a service may not do is refused, as root and as an ordinary user, and where
# io_uring is not allowed. Each attempt succeeds without the sandbox, which the test itself checks.
. "$(dirname "$0")/lib.sh"
said=$("$BUILD/gyre" --selftest 2>&1)
status=$?
if grep -q 'sanitizers' <<<"$said"; then
    skip "a build with sanitizers has no whole sandbox"
    exit
fi
judge() { # judge WHO STATUS TEXT
    same "$1: everything is refused" 0 "$2"
    like "$1: nothing is missing" '^[0-9]+ attempts, [0-9]+ refused, 0 wrong$' "$3"
    unlike "$1: nothing escaped" 'ESCAPED|proves nothing|^missing' "$3"
    like "$1: by system call" 'execute a program +call +succeeded +SIGSYS +ok' "$3"
    like "$1: what is granted is there" 'granted folder +call +succeeded +succeeded +ok' "$3"
}
judge "this user" $status "$said"
if grep -q 'no io_uring here' <<<"$said"; then skip "by ring: no io_uring here"
else
    like "by ring" 'read a file beside it +ring +succeeded +EACCES +ok' "$said"
    like "the granted port is there" 'the granted port +ring +succeeded +succeeded +ok' "$said"
fi
if [ "$(id -u)" = 0 ]; then
    # The program stands where only root may go.
    chmod 755 "$T"
    cp "$BUILD/gyre" "$T/gyre"
    said=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$T/gyre" --selftest 2>&1)
    judge "another user" $? "$said"
else
    skip "as another user: only root can become one"
fi
said=$("$BUILD/tests/no_uring" 0 "$BUILD/gyre" --selftest 2>&1)
status=$?
judge "without io_uring" $status "$said"
like "without io_uring: says so" 'no io_uring here' "$said"
left=$(find /tmp -maxdepth 1 -name 'gyre-escapes.*' -newer "$T/conf.d")
same "no file is left" "" "$left"
