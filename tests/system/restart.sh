#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A service that dies: no connection is refused, it is back within a second, and the others notice
# nothing.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo
tell tell.so
server "workers = 2" "breaker_refuse = 1s"
conf 30.ini <<END
[tell]
listen = tcp:localhost:$a
[echo]
listen = tcp:localhost:$b
END
start
now_ms() { date +%s%3N; }
new_pid() { [ -n "$(service tell)" ] && [ "$(service tell)" != "$1" ]; }

dial other "$b"
same "the other service serves" one "$(asks "$other" one)"
echo_pid=$(service echo)
for how in kill crash; do
    first=$(service tell)
    dial lost "$a"
    same "$how: it serves" one "$(asks "$lost" code)"
    began=$(now_ms)
    if [ $how = kill ]; then kill -KILL "$first"; else printf 'crash\n' >&"$lost"; fi
    # The socket is the supervisor's: who comes now waits in it for the next process.
    holds "$how: what the dead one held has ended" ended "$lost"
    if dial next "$a"; then ok "$how: a new connection is not refused"
    else fail "$how: a new connection is not refused"; fi
    same "$how: and is answered" one "$(asks "$next" code)"
    took=$(($(now_ms) - began))
    holds "$how: within a second, it took $took ms" test $took -le $((1000 * PATIENCE))
    holds "$how: by another process" within 5 new_pid "$first"
    same "$how: the other service was not touched" "same" "$(asks "$other" same)"
    same "$how: it is the same process" "$echo_pid" "$(service echo)"
done
like "the log names the service" 'tell' "$(grep -Ei 'signal|killed|crash|died|ended' "$LOG")"
like "status counts the restarts" 'tell' "$(ctl status)"

# One that crashes again and again is held back; the others serve.
for i in 1 2 3 4 5 6 7 8; do
    dial bad "$a" && printf 'crash\n' >&"$bad"
    ended "$bad" || fail "crash $i ends its connection"
    hang_up "$bad"
    ! grep -q 'breaker opens' "$LOG" || break
done
holds "after many crashes it is held back" log_says "service tell crashed"
like "and status says so" 'tell.*(breaker|crash)' "$(ctl status)"
same "the other service still serves" on "$(asks "$other" on)"
holds "and the supervisor answers" ctl status
# Who waits for it is refused after a while, and served again when a try succeeds.
if dial waits "$a"; then ok "who comes now may wait"; else fail "who comes now may wait"; fi
holds "and gets an answer: no" ended "$waits"
hang_up "$waits"
like "status says so" 'connections are refused' "$(ctl status)"
again() { [ "$(talk "$a" 'code\n')" = one ]; }
holds "until it serves again" within 20 again
same "the other never noticed" still "$(asks "$other" still)"
stop
same "it stops with 0" 0 "$STATUS"
