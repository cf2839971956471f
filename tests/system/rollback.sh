#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A new plugin file that does not stand up is rolled back: one whose on_load ends the process, and
# one that serves and then crashes again and again. What served before serves on.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo
tell tell.so
server "workers = 1" "drain_time = 1s"
conf 30.ini <<END
[tell]
listen = tcp:localhost:$a
[echo]
listen = tcp:localhost:$b
END
start
tells() { # tells WORD: what a new connection answers
    local fd status
    dial fd "$a" 2>/dev/null || return 1
    asks "$fd" "$1"
    status=$?
    hang_up "$fd"
    return $status
}
code_is() { [ "$(tells code)" = "$1" ]; }
dial steady "$b"
same "the first code" one "$(tells code)"
first=$(service tell)

tell tell.so -DCODE='"two"' -DLEAVES
holds "on_load ends the process: said" log_says "does not stand up"
like "with the file and the reason" 'plugin file tell.so does not stand up: .*status 7' \
    "$(cat "$LOG")"
like "gyrectl plugins says it" 'does not stand up' "$(ctl plugins)"
same "the code before goes on" one "$(tells code)"
same "in the process it had" "$first" "$(service tell)"
holds "a reload changes nothing: the file is the same" ctl reload
same "still the first code" one "$(tells code)"

: >"$LOG"
tell tell.so -DCODE='"three"'
holds "the next file is taken" within 5 code_is three
for i in 1 2 3 4 5 6 7 8; do
    dial bad "$a" && printf 'crash\n' >&"$bad"
    ended "$bad" || fail "crash $i ends its connection"
    hang_up "$bad"
    ! grep -q 'does not stand up' "$LOG" || break
done
holds "it crashes again and again, and is rolled back" log_says "does not stand up"
holds "the code before serves again" within 5 code_is one
same "the other service goes on" on "$(asks "$steady" on)"

# A fresh file in whose place nothing served before: there is nothing to go back to.
: >"$LOG"
ports c
conf 40.ini <<END
[hostile]
listen = tcp:localhost:$c
load = leaves_0
END
plugin_put "$BUILD/tests/plugins/hostile.so" hostile.so
holds "a new plugin that never serves backs off" log_says "service hostile/3 ended"
same "the others go on" "on one" "$(asks "$steady" on) $(tells code)"
sed -i 's/leaves_0/good/' "$T/conf.d/40.ini"
serves() { [ "$(talk "$c" 'well\n')" = well ]; }
holds "put right, it serves" within 5 serves
stop
same "it stops with 0" 0 "$STATUS"
