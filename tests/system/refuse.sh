#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Poison: who kills a service a second time is refused there for a while, and nobody else is; the
# next process knows it, too, and a change of the section forgives.
. "$(dirname "$0")/lib.sh"
ports a
tell tell.so
set_up() { server "workers = 2" "$@"; }
section() {
    conf 30.ini < <(printf '%s\n' '[tell]' "listen = tcp:localhost:$a" "listen = unix:$T/door" \
        "greeting = $1")
    ctl reload >/dev/null 2>&1
}
set_up "refuse_loopback = yes"
section first
start

# from ADDRESS TEXT: what comes back
from() { printf '%b' "$2" | timeout 10 nc -N -w 8 -s "$1" 127.0.0.1 "$a"; }
answers() { [ "$(from "$1" 'code\n')" = one ]; }
refuses() { [ -z "$(from "$1" 'code\n')" ]; }
crashes=0
kills() { # kills ADDRESS WORD: a crash, and the service is there again
    crashes=$((crashes + 1))
    from "$1" "$2\n" >/dev/null
    log_says 'all that is known' $crashes && log_says 'is ready after' $((crashes + 1))
}
hits() {
    ctl --json status | tr '{,' '\n\n' | awk '/"hit_refused"/ { n += $2 } END { print n + 0 }'
}
refused() { ctl --json status | grep -o "\"address\": \"$1\", \"left_ms\": [0-9]*"; }

holds "an input kills" kills 127.0.0.1 crash
holds "its peer may come again" answers 127.0.0.1
holds "and kills in another way" kills 127.0.0.1 bug
holds "then it is refused" refuses 127.0.0.1
holds "and that is told" log_says 'service tell refuses 127.0.0.1:'
like "in the report, too" 'this peer is refused for a while' "$(cat "$LOG")"
holds "others are served" answers 127.0.0.2
like "status names it" 'left_ms' "$(refused 127.0.0.1)"
like "as people read it" '^tell refuses 127\.0\.0\.1 for [0-9]+m' "$(ctl status)"
like "and counts what it tried" '^[1-9]' "$(hits)"
holds "the same input, from another" kills 127.0.0.3 crash
holds "is known, and that one refused at once" refuses 127.0.0.3
before=$(service tell)
kill -KILL "$before"
crashes=$((crashes + 1))
holds "another process" log_says 'is ready after' $((crashes + 1))
holds "knows of them" refuses 127.0.0.1
holds "of both" refuses 127.0.0.3
holds "and of nobody else" answers 127.0.0.2
section second
holds "a change forgives" answers 127.0.0.1
same "nobody is refused now" "" "$(refused '[^"]*')"

# A unix socket has no address: whoever is behind it is served.
by_door() { printf '%b' "$1" | timeout 10 nc -N -U "$T/door"; }
for i in 1 2 3; do
    crashes=$((crashes + 1))
    by_door 'crash\n' >/dev/null
    holds "killed by a unix socket, $i" log_says 'all that is known' $crashes
done
same "it is served on" one "$(by_door 'code\n')"

# For a while, not for ever.
set_up "refuse_loopback = yes" "refuse_time = 1s"
section third
holds "killed" kills 127.0.0.1 crash
holds "and again" kills 127.0.0.1 crash
holds "after a while it may come again" within 5 answers 127.0.0.1

# Not the loopback, unless told so; nobody, if told so.
set_up
section fourth
holds "killed" kills 127.0.0.1 crash
holds "and again" kills 127.0.0.1 crash
holds "the loopback is not refused" answers 127.0.0.1
set_up "refuse_loopback = yes" "refuse_time = never"
section fifth
holds "killed" kills 127.0.0.1 crash
holds "and again" kills 127.0.0.1 crash
holds "with refuse_time = never nobody is" answers 127.0.0.1
stop
same "it stops with 0" 0 "$STATUS"
