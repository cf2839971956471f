#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a service manager hears: ready, reloading, signs of life, stopping; over an upgrade, too. One
# that does not listen, or is not there, changes nothing.
. "$(dirname "$0")/lib.sh"
ports a
plugins echo
server
conf 30.ini <<END
[echo]
listen = tcp:localhost:$a
END
cp "$BUILD/gyre" "$T/gyre"
cp "$BUILD/tests/lame" "$T/lame"
listen_on() { # listen_on SOCKET [COUNT]: what comes there goes to $HEARD
    HEARD=$T/heard.$((++heard_n))
    mkfifo "$T/until.$heard_n"
    "$BUILD/tests/notified" "$@" <"$T/until.$heard_n" >>"$HEARD" 2>&1 &
    LISTENER=$!
    STARTED+=("$LISTENER")
    exec {until}>"$T/until.$heard_n"
    await 5 text "$HEARD" bound || fail "the listener listens"
}
heard_n=0
hears() { await "${3:-5}" text "$HEARD" "$1" "${2:-1}"; }
states() { grep -o 'READY=1\|RELOADING=1\|STOPPING=1' "$HEARD" | tr '\n' ' '; }

# ---- the whole life, on a path ----
export NOTIFY_SOCKET="$T/notify" WATCHDOG_USEC=200000
listen_on "$NOTIFY_SOCKET"
start
holds "it says that it is ready" hears 'READY=1 STATUS=1 of 1 sections serve'
holds "and that it lives, again and again" hears 'WATCHDOG=1' 4
child=$(service echo)
unlike "services are not told of the socket" 'NOTIFY_SOCKET|WATCHDOG' \
    "$(tr '\0' '\n' <"/proc/$child/environ")"
now=$(sed 's/[.].*//' /proc/uptime)000000
holds "a reload" ctl reload
holds "is told when it begins" hears 'RELOADING=1 MONOTONIC_USEC='
then=$(sed -n 's/.*MONOTONIC_USEC=\([0-9]*\).*/\1/p' "$HEARD" | head -n 1)
holds "with the clock of this machine" test "$then" -ge $((now - 1000000)) -a \
    "$then" -le $((now + 60000000))
holds "and when it has ended" hears 'READY=1' 2
echo '[echo' | conf 40.ini
holds "one that fails" eval '! ctl reload'
holds "ends, too" hears 'READY=1' 3
rm "$T/conf.d/40.ini"
holds "the next" ctl reload
same "in that order" "READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 " \
    "$(states)"
: >"$HEARD"
holds "an upgrade" ctl upgrade "$T/gyre"
holds "is told like a reload" hears 'READY=1'
like "like it" '^(RELOADING=1 READY=1 )+$' "$(states)" # the watch may have seen the file go
: >"$HEARD"
holds "the new program lives, too" hears 'WATCHDOG=1' 4
stop
export GYRE="$BUILD/gyre" OTHER="$BUILD/tests/gyre-other" LAME=services
start
: >"$HEARD"
holds "an upgrade that fails" eval '! ctl upgrade "$T/lame"'
holds "ends with the program before, which is ready" hears 'READY=1 STATUS=1 of 1'
holds "and lives" hears 'WATCHDOG=1' 4
stop TERM
same "it stops with 0" 0 "$STATUS"
holds "and says so" hears 'STOPPING=1 EXTEND_TIMEOUT_USEC=15000000 STATUS=draining'
kill "$LISTENER"
exec {until}>&-

# ---- an abstract name; another process's watchdog; a failed start ----
export NOTIFY_SOCKET="@gyre-test-$$" WATCHDOG_PID=1
listen_on "$NOTIFY_SOCKET"
start
holds "an abstract socket is told" hears 'READY=1'
stop
holds "to the end" hears 'STOPPING=1'
unlike "the watchdog is for the process that it names" WATCHDOG "$(cat "$HEARD")"
unset WATCHDOG_PID
: >"$HEARD"
holds "a check" "$BUILD/gyre" --check "$T/conf.d"
same "says nothing" "" "$(cat "$HEARD")"
echo '[echo' | conf 40.ini
"$BUILD/gyre" "$T/conf.d" >"$T/said" 2>&1
same "a start that fails ends with 1" 1 $?
unlike "and is never ready" READY "$(cat "$HEARD")"
rm "$T/conf.d/40.ini"
kill "$LISTENER"
exec {until}>&-

# ---- nobody reads; nobody is there; nonsense ----
export NOTIFY_SOCKET="$T/full" WATCHDOG_USEC=2000
listen_on "$NOTIFY_SOCKET" 0
start
holds "a full socket is told of" log_says 'manager is not told how we are: its socket is full'
same "and the server serves" x "$(talk "$a" 'x\n')"
holds "and reloads" ctl reload
same "it is said once" 1 "$(grep -c 'service manager' "$LOG")"
kill "$LISTENER"
exec {until}>&-
stop
same "it stops with 0 without a listener" 0 "$STATUS"
for socket in "$T/nobody" here "@" "/$(printf '%0200d' 0)"; do
    export NOTIFY_SOCKET=$socket
    start
    holds "NOTIFY_SOCKET=${socket:0:12}: a warning" log_says 'the service manager is not told'
    same "and it serves" x "$(talk "$a" 'x\n')"
    stop
    same "and stops" 0 "$STATUS"
done
