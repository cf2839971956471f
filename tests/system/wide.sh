#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Message interfaces between processes: the pair of sdk/examples. Requests, events, kill -9 of who
# answers with requests open, swap and reload of both sides, a peer that is full, deadlines, a wrong
# revision; and that the whole server is upgraded.
. "$(dirname "$0")/lib.sh"
ports a
put() { plugin_put "$BUILD/examples/$1.so" "$1.so"; }
# example NAME [FLAG …]: compiled so, in the plugin folder
example() {
    cc -std=c17 -O1 -Wall -Wextra -Werror -Isdk -fPIC -fvisibility=hidden -shared "${@:2}" \
        -o "$T/$1.so" "sdk/examples/$1.c" || { fail "$1.c compiles"; exit 1; }
    plugin_put "$T/$1.so" "$1.so"
}
teller() { # teller [WITHIN]: its section
    printf '%s\n' '[teller]' "listen = tcp:localhost:$a" "within = ${1:-20s}" | conf 30.ini
}
ask() { printf '%s\n' "$1" >&"$seat"; }
said() { ask "$1" && line "$seat"; }
await_said() { # await_said FD TEXT: this line comes, others may before it
    local text
    while text=$(line "$1"); do [ "$text" = "$2" ] && return 0; done
    return 1
}
# halt PID: none of its threads runs any more; the signal alone is only on its way
halt() { kill -STOP "$1" && within 5 halted "$1"; }
halted() { ! grep -hqv ') T ' /proc/"$1"/task/*/stat; }
ready() { log_says "service $1/$2 is ready" 1 10; }
asks() { echo add 0 | timeout 10 nc -N 127.0.0.1 "$a"; }

put teller
put counter
teller
start
like "without a section of who answers it waits, and that is told" \
    "teller asks 'counter/1' of plugin counter, which has no section" "$(cat "$LOG")"
printf '[counter]\n' | conf 20.ini
ctl reload >"$T/said" 2>&1 || fail "reload" "$(cat "$T/said")"
ready teller 1 || fail "the teller is ready"
ready counter 1 || fail "the counter is ready"

dial seat "$a"
dial follower "$a"
printf 'follow\nadd 0\n' >&"$follower"
same "a question is answered from another process" 0 "$(line "$follower")"
same "the two have processes of their own" yes \
    "$([ "$(service teller)" != "$(service counter)" ] && [ "$(service counter)" ] && echo yes)"
same "one that adds" 5 "$(said 'add 5')"
same "is told to who follows" '= 5' "$(line "$follower")"
printf 'add 1\n%.0s' {1..100} >&"$seat"
for i in {1..100}; do got=$(line "$seat"); done
same "a hundred at once, in order" 105 "$got"
for i in {1..100}; do got=$(line "$follower"); done
same "and as many events" '= 105' "$got"

# Deadlines: a counter that does not run.
teller 200ms
ctl reload >/dev/null 2>&1
hang_up "$seat"
dial seat "$a"
halt "$(service counter)"
same "what is not answered in time is late" late "$(said 'add 1')"
printf 'add 1\n%.0s' {1..400} >&"$seat"
declare -A count=([late]=0 [full]=0)
for i in {1..400}; do ((count[$(line "$seat")]++)); done
same "400 questions, 400 answers" 400 $((count[late] + count[full]))
holds "who has too many under way is told so, and waits for nothing" test "${count[full]}" -ge 100
kill -CONT "$(service counter)"
teller
ctl reload >/dev/null 2>&1
hang_up "$seat"
dial seat "$a"
like "and goes on when it runs again" '^[0-9]+$' "$(said 'add 0')"

# The end of who answers, with questions open. What is too much is answered behind what is not, so
# the last of these answers says that the others are under way.
victim=$(service counter)
halt "$victim"
printf 'add 1\n%.0s' {1..300} >&"$seat"
full=0
for i in {1..44}; do [ "$(line "$seat")" = full ] && ((full++)); done
same "256 questions are open, more are not taken" 44 $full
hang_up "$follower"
dial follower "$a"
printf 'follow\nadd 1\n' >&"$follower"
same "from nobody" full "$(line "$follower")"
: >"$LOG"
kill -KILL "$victim"
gone=0
for i in {1..256}; do [ "$(line "$seat")" = gone ] && ((gone++)); done
same "killed: each of 256 open questions is answered, gone" 256 $gone
holds "who follows is told when it is there again" await_said "$follower" '= there'
same "which began anew" 3 "$(said 'add 3')"
same "and is followed" '= 3' "$(line "$follower")"

# Swap of both sides, while questions are asked all the time.
answers() { # answers N: so many questions, one after another; how many were answered well
    local i good=0
    for ((i = 0; i < $1; i++)); do [[ $(said 'add 0') =~ ^[0-9]+$ ]] && ((good++)); done
    echo $good
}
for round in 1 2 3; do
    : >"$LOG"
    answers 300 >"$T/good" &
    asking=$!
    example counter -DROUND=$round -g$round
    log_says 'is ready after' 1 10 || fail "swap $round: the new counter is ready"
    wait $asking
    same "swap $round of who answers: no question is lost" 300 "$(cat "$T/good")"
done
: >"$LOG"
example teller -DROUND=1 -g1
log_says 'service teller/' 1 10 || fail "the new teller is ready"
like "a connection of the old teller is answered on" '^[0-9]+$' "$(said 'add 0')"
hang_up "$seat"
dial seat "$a"
like "and so is one of the new" '^[0-9]+$' "$(said 'add 0')"
: >"$LOG"
example counter -DROUND=9 -g3
log_says 'service counter/' 1 10 || fail "the counter is replaced once more"
like "after both were replaced" '^[0-9]+$' "$(said 'add 0')"

# The server itself.
: >"$LOG"
ctl upgrade >"$T/said" 2>&1 || fail "upgrade" "$(cat "$T/said")"
like "after an upgrade of the server" '^[0-9]+$' "$(asks)"

# Revisions.
example counter '-DCOUNTER="counter/2"'
within 10 eval 'ctl status | grep -q "counter/2"'
like "a revision that nobody offers holds the section back, and tells which there is" \
    "needs 'counter/1', which no plugin here offers by messages .there is 'counter/2'." \
    "$(cat "$LOG"; ctl status)"
example teller -DOPTIONAL=1
log_says 'service teller/' 1 10 || log_says 'is ready after' 1 10
within 10 asks
same "an optional need: the section serves, and is told" gone "$(asks)"
example counter
within 10 eval '[ "$(asks)" = 0 ]'
same "and is answered as soon as there is somebody" 0 "$(asks)"

hang_up "$follower"
dial follower "$a"
printf 'follow\nadd 0\n' >&"$follower"
same "who follows" 0 "$(line "$follower")"
example counter '-DCOUNTER="counter/2"' -g1
holds "is told when nobody answers any more" await_said "$follower" '= lost'
example counter
holds "and when somebody does" await_said "$follower" '= there'

hang_up "$seat"
hang_up "$follower"
unlike "nothing has crashed but what was killed" 'SIGSEGV|SIGABRT|SIGSYS|nonsense' "$(cat "$LOG")"
stop
same "it stops with 0" 0 "$STATUS"
