#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A service that has turned against the supervisor: whatever it says or does ends that service, in
# one line of the log, and no other; it is started again.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo
plugin_put "$BUILD/tests/plugins/hostile.so" hostile.so
server "workers = 1" "drain_time = 1s"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$b
END
section() { # section LINE …: a change, so that earlier crashes say nothing
    conf 40.ini < <(printf '%s\n' '[hostile]' "listen = tcp:localhost:$a" "$@")
    ctl reload >"$T/said" 2>&1
}
section "word = first"
start
dial steady "$b"
same "the other serves" on "$(asks "$steady" on)"
echo_pid=$(service echo)
new_pid() { [ -n "$(service hostile)" ] && [ "$(service hostile)" != "$1" ]; }

# attack WORD WHAT PATTERN: it ends the service, and the log says why.
attack() {
    local before fd
    holds "$2: a change is taken" section "word = $1"
    before=$(service hostile)
    dial fd "$a"
    : >"$LOG" # the server appends
    printf '%s\n' "$1" >&"$fd"
    # Who waits at the channel holds it open: the next order, of no matter what, finds out.
    [ "$1" != close ] || { line "$fd" >"$T/left"; ctl reload >"$T/said" 2>&1; }
    holds "$2: its connections end" ended "$fd"
    hang_up "$fd"
    holds "$2: it is started again" within 5 new_pid "$before"
    like "$2: why" "service hostile/[0-9]+ .*($3)" "$(cat "$LOG")"
    dial fd "$a"
    same "$2: and serves" fine "$(asks "$fd" fine)"
    hang_up "$fd"
    same "$2: the other goes on" on "$(asks "$steady" on)"
}
attack rubbish "what is no message" 'sent a malformed message: it is (too short|no message)'
attack order "an order to the supervisor" 'sent a wrong message'
attack unasked "an answer that nobody waits for" 'sent a wrong message'
attack drained "drained, though not asked to" 'sent a wrong message'
attack gift "a descriptor that nobody wants" 'sent a malformed message: its descriptors are wrong'
attack early "a message that ends too early" 'sent a wrong message'
attack rows "a list of connections that ends too early" 'sent a wrong message'
attack killed "an end of one that is none" 'sent a wrong message'
attack flood "more lines of the log than it may copy" 'sent a wrong message'
attack perhaps "an answer that is none" 'sent a wrong message'
attack "give up" "it says that it cannot go on" 'has ended: I give up'
attack "leave 7" "it leaves with an error" "ended with status 7"
attack "leave 0" "it leaves as if it had drained" "ended with status 0, and was not asked to"
attack close "it closes the channel" "ended with status 0, and was not asked to"
dial fd "$a"
same "an answer about a section that is gone is passed over" yes "$(asks "$fd" yes)"
same "by the same process" still "$(asks "$fd" still)"
same "and so are connections that nobody asked for" "old rows" "$(asks "$fd" "old rows")"
same "by the same process again" still "$(asks "$fd" still)"

# Exit code 2 is an error of configuration: it is not tried again until something changes.
held() { ctl status | grep -Eq 'hostile.* held|held.*hostile'; }
printf 'leave 2\n' >&"$fd"
holds "leaving with 2" ended "$fd"
hang_up "$fd"
holds "it is held" within 5 held
same "the other goes on" on "$(asks "$steady" on)"
holds "a change of its section" section "word = again"
dial fd "$a"
same "brings it back" back "$(asks "$fd" back)"
hang_up "$fd"

# A reload in the moment between the order to serve and the answer: the process that comes stays.
holds "from now on a process stops when it is to serve" section "begin = stops" "word = stops"
before=$(service hostile)
dial fd "$a"
printf 'leave 7\n' >&"$fd"
holds "it leaves" ended "$fd"
hang_up "$fd"
stands() { new_pid "$before" && grep -q '^State:.T' "/proc/$(service hostile)/status"; }
holds "the next one has stopped" within 5 stands
holds "a reload that changes nothing" ctl reload
kill -CONT "$(service hostile)"
same "it goes on, and serves" on "$(talk "$a" 'on\n')"
holds "well again" section "word = well"

# on_load that ends the process, in a new version of what serves. Nobody asks for it but the
# watcher: what is asked for a moment later would meet a service that is down already.
: >"$LOG"
conf 40.ini < <(printf '%s\n' '[hostile]' "listen = tcp:localhost:$a" "load = leaves_2")
holds "a version that ends the process is refused" log_says 'nothing was changed'
like "and the section is named" '\[hostile\] a process that tried to load it ended with status 2' \
    "$(<"$LOG")"
serves() { [ "$(talk "$a" 'well\n')" = well ]; }
holds "the version before it serves again" within 5 serves
section "word = good"
holds "put right, it serves" within 5 serves

same "the other was never touched" "$echo_pid" "$(service echo)"
same "and goes on" on "$(asks "$steady" on)"
stop
same "it stops with 0" 0 "$STATUS"
