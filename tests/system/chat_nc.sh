#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Chat over three workers: what one says, all others read, whichever worker they are on.
. "$(dirname "$0")/lib.sh"
ports port
plugins chat
server "workers = 3"
conf 20-chat.ini <<END
[chat]
listen = tcp:localhost:$port
END
start

# reads FD PATTERN: lines from it until one matches
reads() {
    local text
    while text=$(line "$1"); do
        if grep -Eq -- "$2" <<<"$text"; then return 0; fi
    done
    return 1
}

# Two clients by nc, with files for what they read.
mkfifo "$T/a.in" "$T/b.in"
nc 127.0.0.1 "$port" <"$T/a.in" >"$T/a.out" &
STARTED+=($!)
exec {a}>"$T/a.in"
nc 127.0.0.1 "$port" <"$T/b.in" >"$T/b.out" &
STARTED+=($!)
exec {b}>"$T/b.in"
for out in a b; do holds "$out is welcomed" await 5 text "$T/$out.out" "Welcome"; done
printf '/nick ann\r\n' >&"$a"
printf '/nick bob\r\n' >&"$b"
holds "the first sees the second take its name" await 5 text "$T/a.out" "bob"
printf 'hello there\r\n' >&"$b"
holds "what one says the other reads" await 5 text "$T/a.out" "bob: hello there"
printf 'hello back\r\n' >&"$a"
holds "and the other way round" await 5 text "$T/b.out" "ann: hello back"

# Twelve more, spread over all workers by the kernel.
seats=()
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    dial seat "$port"
    seats+=("$seat")
    printf '/nick user%s\n' "$i" >&"$seat"
    await 5 text "$T/a.out" "user$i" || fail "user $i comes in"
done
printf 'to all of you\r\n' >&"$a"
heard=0
for seat in "${seats[@]}"; do reads "$seat" 'ann: to all of you' && heard=$((heard + 1)); done
same "all twelve hear it" 12 "$heard"
for i in 1 2 3 4 5; do printf 'line %s\n' $i >&"$a"; done
order=
for i in 1 2 3 4 5; do
    reads "${seats[5]}" "ann: line $i\$" && order+="$i"
done
same "five lines come in order" 12345 "$order"
printf '/quit\n' >&"${seats[11]}"
holds "who says /quit is let go" ended "${seats[11]}"
holds "and the others hear of it" await 5 text "$T/b.out" "user12"
for seat in "${seats[@]}"; do hang_up "$seat"; done
printf 'still here\n' >&"$b"
holds "the rest talk on" await 5 text "$T/a.out" "bob: still here"
holds "nothing crashed" alive
exec {a}>&- {b}>&-
stop
same "it stops with 0" 0 "$STATUS"
