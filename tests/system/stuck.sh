#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A callback that does not come back is found, reported and ended, and the service is there again;
# one that only waits for its turn, a busy service and a stopped one are left alone.
. "$(dirname "$0")/lib.sh"
ports a b c
plugins echo
plugin_put "$BUILD/tests/plugins/hostile.so" hostile.so
tell tell.so
server "workers = 2" "callback_max = 400ms"
conf 40.ini <<END
[echo]
listen = tcp:localhost:$b
[hostile]
listen = tcp:localhost:$c
END
section() { # a change, so that earlier crashes say nothing
    conf 30.ini < <(printf '%s\n' '[tell]' "listen = tcp:localhost:$a" "greeting = $1")
    ctl reload >/dev/null 2>&1
}
section first
start
report() { cat "$T"/run/crashes/*-tell-"$1".txt; }
dial steady "$b"
same "the other serves" on "$(asks "$steady" on)"

# One that computes for ever, and one that sleeps for ever.
generation=1
for how in spin wait; do
    holds "$how: a change is taken" section $how
    dial lost "$a"
    : >"$LOG"
    printf '%s\n' $how >&"$lost"
    holds "$how: what it held ends" ended "$lost"
    hang_up "$lost"
    holds "$how: it is told" log_says 'all that is known: '
    like "$how: as what it is" \
        "tell/$generation has ended: it was stuck in on_data of \[tell\] for 0\.[45][0-9] s" \
        "$(cat "$LOG")"
    took=$(sed -n 's/.* for 0\.\([0-9]*\) s$/\1/p' "$LOG" | head -n 1)
    [ "$how" = wait ] || figures="found after ${took}0 ms"
    like "$how: with peer and bytes" "peer 127\.0\.0\.1:" "$(report $generation)"
    like "$how: the bytes" "it had 5 bytes: $how.x0a" "$(report $generation)"
    like "$how: and where it stood" 'tell\.so\+0x[0-9a-f]+ \((spin|on_data|misbehaves)' \
        "$(report $generation)"
    generation=$((generation + 1))
    holds "$how: another process serves" log_says "tell/$generation is ready"
    dial next "$a"
    same "$how: and answers" one "$(asks "$next" code)"
    hang_up "$next"
done
echo "# limit 400 ms, $figures"
stalls() { # of all sections
    ctl --json status | tr '{,' '\n\n' | awk '/"stalls"/ { n += $2 } END { print n }'
}
like "the stalls are counted" '^[1-9]' "$(stalls)"

# Stopped in a callback, for longer than the limit: another one is found stuck meanwhile. When it
# goes on its time begins where it was.
stopped() { grep -q '^State:.T' "/proc/$pid/status"; }
section stop
pid=$(service hostile)
dial seat "$c"
printf 'stop\n' >&"$seat"
holds "one is stopped in its callback" within 5 stopped
: >"$LOG"
dial lost "$a"
printf 'spin\n' >&"$lost"
holds "until another one was found" log_says 'was stuck in on_data of [tell]'
hang_up "$lost"
kill -CONT "$pid"
same "it goes on" stop "$(line "$seat")"
same "as the same process" "$pid" "$(service hostile)"
hang_up "$seat"

# Much to do is not stuck: more callbacks, one after the other, than the limit has time.
section many
within 5 test -n "$(service tell)"
pid=$(service tell)
: >"$LOG"
dial seat "$a"
{ yes code | head -n 400000; echo quit; } >&"$seat" &
feeder=$!
timeout 20 cat <&"$seat" >"$T/many" || fail "many messages are answered"
wait $feeder
same "all of many messages are answered" 400000 "$(wc -l <"$T/many")"
same "by the same process" "$pid" "$(service tell)"
unlike "nobody was taken for stuck" 'stuck' "$(cat "$LOG")"
same "the other was never touched" on "$(asks "$steady" on)"

# Never: it is left alone, and can be killed.
server "workers = 2" "callback_max = never"
ctl reload >/dev/null
: >"$LOG"
dial seat "$a"
printf 'spin\n' >&"$seat"
before=$(stalls)
counted() { [ "$(stalls)" -gt "$before" ]; }
holds "without a limit a stall is counted" within 5 counted
same "and nothing else is done" "$pid" "$(service tell)"
kill -KILL "$pid"
holds "killed, it says what it was doing" log_says 'was in on_data of [tell]'
stop
same "it stops with 0" 0 "$STATUS"

# In one process nobody can be ended: it is told.
server "workers = 1" "callback_max = 100ms"
start --single
dial seat "$a"
printf 'spin\n' >&"$seat"
holds "--single: it is told" log_says 'it is stuck in on_data of [tell]'
same "--single: the others serve" on "$(talk "$b" 'on\n')"
kill -KILL "$PID"
wait "$PID" 2>/dev/null
PID=
