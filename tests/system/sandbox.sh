#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A service is closed in before it serves: what its configuration does not grant is refused, what it
# comes to grant later is had by a new process, and the hot path makes one system call.
. "$(dirname "$0")/lib.sh"
ports a b c d
plugins echo http
plugin_put "$BUILD/tests/plugins/reach.so" reach.so
mkdir -p "$T/www" "$T/other"
echo front >"$T/www/index.html"
echo secret >"$T/secret"
chmod 711 "$T" # for a user of its own, who opens by a path
server "workers = 2"
section() { # section [LINE …]
    conf 30-reach.ini < <(printf '%s\n' '[reach]' "listen = tcp:localhost:$a" "$@")
}
section
conf 40.ini <<END
[echo]
listen = tcp:localhost:$b
[http]
listen = tcp:localhost:$c
root = $T/www
END
start
reach() { # reach WHAT: by a new connection
    local fd
    dial fd "$a" || return 1
    asks "$fd" "$1" || echo "it ended"
    hang_up "$fd"
}
reached() { [ "$(reach generation 2>/dev/null)" = "$1" ]; }
fact() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(service "$1")/status"; }

pid=$(service reach)
same "no new privileges" 1 "$(fact reach NoNewPrivs)"
like "no core dumps" 'core file size +0 +0' "$(grep 'core file' "/proc/$pid/limits")"
like "the log says nothing is missing" '^$' "$(grep -o 'sandbox lacks.*' "$LOG")"
if [ "$(fact reach Seccomp)" = 2 ]; then
    generation=1
    same "without a grant: a file is refused" EPERM "$(reach "open $T/secret")"
    same "… to be written, too" EPERM "$(reach "write $T/new")"
    for what in socket fork exec thread code ring; do
        same "without a grant: $what ends the process" "it ended" "$(reach "$what")"
        generation=$((generation + 1))
        holds "$what: it is started again" within 15 reached $generation
        holds "$what: the log says why" \
            log_says "reach/$((generation - 1)) was ended by its sandbox"
        # A change forgives: else it would be held back soon.
        section "idle_time = ${generation}m"
        ctl reload >/dev/null
    done
    like "the report names the call" 'system call socket \([0-9]+\)' "$(<"$LOG")"
    like "… in the callback" 'on_data.*system call execve \([0-9]+\)' "$(<"$LOG")"
    holds "nothing was written" test ! -e "$T/new"
else
    skip "system calls: no seccomp in this build"
fi

# What a running service is to have in addition, a new process has. Nothing else notices.
dial old "$a"
dial other "$b"
before=$(asks "$old" generation)
others="$(service echo) $(service http)"
section "folder = $T/www"
holds "a folder more: reload" ctl reload
holds "it is a new process" within 5 reached $((before + 1))
holds "the log says why" log_says "reach/$before: [reach] wants path:$T/www now"
same "the old connection lives on" "$before" "$(asks "$old" generation)"
section "folder = $T/www" "want = path:$T/www"
holds "the same folder again: reload" ctl reload
same "needs no other" $((before + 1)) "$(reach generation)"
section "folder = $T/www" "want = dial:tcp:127.0.0.1:$d"
holds "a port more: reload" ctl reload
holds "it is a new process, too" within 5 reached $((before + 2))
section "folder = $T/www"
holds "less: reload" ctl reload
same "needs no other" $((before + 2)) "$(reach generation)"
section "folder = $T/nowhere"
like "a folder that is not there" "\[reach\]" "$(ctl reload 2>&1)"
same "changes nothing" $((before + 2)) "$(reach generation)"
same "other services are the same" "$others" "$(service echo) $(service http)"
same "and serve" still "$(asks "$other" still)"

# A folder is granted for reading, and not what is beside it.
if [ "$(fact reach Seccomp)" = 2 ]; then
    section "folder = $T/www"
    ctl reload >/dev/null
    same "a file in it" yes "$(reach "open $T/www/index.html")"
    same "beside it" EACCES "$(reach "open $T/secret")"
    same "to be written" EACCES "$(reach "write $T/www/new")"
    same "not made" no "$([ -e "$T/www/new" ] && echo yes || echo no)"
fi

# As root: a user of its own for each service, no capability, and folders that only root reaches.
if [ "$(id -u)" = 0 ] && [ -z "${RING:-}" ]; then
    uid=$(fact reach Uid | cut -f 1)
    holds "a user of its own" test "$uid" -ge 61184 -a "$uid" -le 65519
    holds "which is not that of others" test "$uid" != "$(fact http Uid | cut -f 1)"
    same "without other groups" "" "$(fact http Groups)"
    same "no capability" 0000000000000000 "$(fact http CapPrm)"
    same "and none to come back" 0000000000000000 "$(fact http CapBnd)"
    chmod 700 "$T"
    section "folder = $T/www" "user = nobody"
    holds "user = of a section: reload" ctl reload
    same "its process has that user" "$(id -u nobody)" "$(reach uid)"
    same "a folder that only root reaches is served" front \
        "$(curl -sS --max-time 20 "http://127.0.0.1:$c/")"
    section "folder = $T/www" "user = no-such"
    like "a user that there is not" "user = no-such: there is no such user" \
        "$(ctl reload 2>&1)"
    echo hidden >"$T/www/hidden"
    chmod 600 "$T/www/hidden"
    same "a file that its user may not read" 403 \
        "$(curl -sS -o /dev/null -w '%{http_code}' --max-time 20 "http://127.0.0.1:$c/hidden")"
    holds "the log names it, and what to do" log_says "may not read hidden: give others r on it"
    section "folder = $T/www"
    ctl reload >/dev/null
fi

# What is shown is what is in force.
said=$(ctl sandbox http)
like "gyrectl sandbox names the folder" "folders +$T/www\$" "$said"
like "… the user" "user +uid $(fact http Uid | cut -f 1), gid " "$said"
like "… in JSON" "\"folders\": \[\"$T/www\"\]" "$(ctl --json sandbox http)"
like "… and nobody that does not run" 'no such service' "$(ctl sandbox nobody 2>&1)"
if [ "$(fact http Seccomp)" = 2 ]; then
    like "… system calls" '(^| )futex,' "$said"
    like "… nothing is missing" 'missing +none$' "$said"
    unlike "… none that is not granted" '(connect|execve|io_uring_setup)' "$said"
fi

# A connection that is open is served by one system call.
if command -v strace >/dev/null && [ -n "$RELEASED" ] &&
    ctl status | grep -q '^echo .*io_uring$'; then
    dial warm "$b"
    asks "$warm" first >/dev/null
    strace -f -o "$T/calls" -p "$(service echo)" 2>"$T/strace" &
    STARTED+=($!)
    holds "strace looks on" await 10 text "$T/strace" attached
    for i in $(seq 100); do asks "$warm" "$i"; done >/dev/null
    kill "${STARTED[-1]}"
    await 10 end "${STARTED[-1]}"
    # What waited when strace came goes on by restart_syscall.
    # Of the thread that serves: the control thread may have a word with the supervisor.
    calls=$(awk '{ sub(/\(.*/, "", $2) }
        $2 == "io_uring_enter" { serves[$1] = 1 }
        $2 ~ /^[a-z_0-9]+$/ && $2 != "restart_syscall" { n[$1, $2]++ }
        END { for (at in n) { split(at, of, SUBSEP); if (of[1] in serves) all[of[2]] += n[at] }
              for (call in all) printf "%7d %s\n", all[call], call }' "$T/calls")
    like "a hundred requests: one call or two each" ' [12][0-9][0-9] io_uring_enter' "$calls"
    same "and no other call" 1 "$(wc -l <<<"$calls")"
else
    skip "the calls of the hot path: no strace, or no io_uring"
fi

# require, and off
server "workers = 2" "sandbox = off"
holds "off: reload" ctl reload
section
ctl reload >/dev/null
like "off: everything is allowed" '^yes$' "$(reach "open $T/secret")"
same "off: seccomp" 0 "$(fact reach Seccomp)"
like "off: gyrectl sandbox says so" 'has no sandbox' "$(ctl sandbox reach)"
server "workers = 2" "sandbox = require"
ctl reload >/dev/null
if grep -q 'it lacks' "$LOG"; then
    like "require: says what is missing" 'sandbox = require, but it lacks' "$(<"$LOG")"
else
    same "require: all is there" 2 "$(fact reach Seccomp)"
fi
stop
same "it stops with 0" 0 "$STATUS"
