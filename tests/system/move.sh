#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Streams over a change of their process: chat's move to the new one, echo's stay on the old one,
# http's leave at once. Of what is said meanwhile nothing is lost.
. "$(dirname "$0")/lib.sh"
ports a b c
plugins chat echo http
mkdir "$T/www"
echo here >"$T/www/index.html"
server "workers = 2" "stay_time = 1h"
conf 30.ini <<END
[chat]
listen = tcp:localhost:$a
[echo]
listen = tcp:localhost:$b
[http]
listen = tcp:localhost:$c
root = $T/www
END
start
swap() { # swap PLUGIN: another file of the same plugin, and it serves
    local n
    n=$(generation "$1")
    cp "$BUILD/plugins/$1.so" "$T/swap.so"
    mktemp -u XXXXXXXXXXXX >>"$T/swap.so" # any other bytes
    plugin_put "$T/swap.so" "$1.so"
    within 10 newer "$1" "$n"
}
say() { printf '%s\r\n' "$2" >&"$1"; }
until_line() { # until_line FD TEXT: reads up to that line
    local got
    while got=$(line "$1"); do
        [ "$got" != "$2" ] || return 0
    done
    return 1
}

until_like() { # until_like FD PATTERN
    local got
    while got=$(line "$1"); do
        ! grep -Eq "$2" <<<"$got" || return 0
    done
    return 1
}

users=()
for nick in ann bob cleo dan eve; do
    dial fd "$a"
    users+=("$fd")
    say "$fd" "/nick $nick"
    holds "$nick is there" until_line "$fd" "* you are now $nick"
done
dial other "$a"
say "$other" "/nick zoe"
holds "zoe is there" until_line "$other" "* you are now zoe"
say "$other" "/join attic"
holds "zoe is in another room" until_line "$other" "* you are in attic"
old=$(service chat)

# ---- chat moves ----
say "${users[0]}" "before"
for i in 1 2 3 4; do holds "heard before: $i" until_line "${users[$i]}" "ann: before"; done
holds "a new chat serves" swap chat
holds "its log says how many came" log_says '6 streams have moved to it'
unlike "it is another process" "^$old\$" "$(service chat)"
holds "the one before is gone: nobody is left there" await 5 end "$old"
say "${users[1]}" "after"
for i in 0 2 3 4; do holds "heard after: $i" until_line "${users[$i]}" "bob: after"; done
say "$other" "/join lobby"
for i in 0 1 2 3 4; do
    holds "zoe's room went with her: $i" until_line "${users[$i]}" "* zoe joined"
done
dial late "$a"
say "$late" "/nick kim"
holds "who comes now meets them" until_like "${users[2]}" '^\* guest[12] is now kim$'

# ---- while they talk: numbered lines, each of which reaches everybody once ----
(
    for i in $(seq 400); do say "${users[0]}" "line $i"; done
    say "${users[0]}" "end"
) &
talker=$!
holds "a swap while they talk" swap chat
holds "another" swap chat
holds "an upgrade while they talk" ctl upgrade
wait "$talker"
for i in 1 2 3 4; do
    n=0 wrong=
    while got=$(line "${users[$i]}"); do
        [ "$got" != "ann: end" ] || break
        case $got in "ann: line "*) ;; *) continue ;; esac
        n=$((n + 1))
        [ "$got" = "ann: line $n" ] || wrong=${wrong:-"$got in place of line $n"}
    done
    same "every line in order: $i" "400" "$n"
    same "and nothing else: $i" "" "$wrong"
done
same "four generations have served" 5 "$(generation chat)"

# ---- a half line, typed before, ended after ----
printf 'half of ' >&"${users[3]}"
holds "a swap within a line" swap chat
say "${users[3]}" "a line"
holds "it is one line" until_line "${users[0]}" "dan: half of a line"
for fd in "${users[@]}" "$other" "$late"; do hang_up "$fd"; done

# ---- echo stays ----
dial steady "$b"
same "echo, before" one "$(asks "$steady" one)"
old=$(service echo)
holds "a new echo serves" swap echo
same "the old connection stays where it was" two "$(asks "$steady" two)"
holds "in the old process" kill -0 "$old"
like "which is called so" 'echo +staying' "$(ctl status)"
hang_up "$steady"
holds "and ends with it" await 5 end "$old"

# ---- http leaves ----
old=$(service http)
dial keep "$c"
printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&"$keep"
like "a kept connection" '200 OK' "$(line "$keep")"
holds "a new http serves" swap http
holds "the old connection is told, and ends" ended "$keep"
hang_up "$keep"
holds "so does its process" await 5 end "$old"
same "it serves" here "$(curl -s "http://127.0.0.1:$c/")"

# ---- a stay has its time ----
stop
server "workers = 1" "stay_time = 200ms" "drain_time = 1s"
start
dial steady "$b"
same "echo again" one "$(asks "$steady" one)"
old=$(service echo)
holds "a new echo serves again" swap echo
holds "then the stay ends" ended "$steady"
hang_up "$steady"
holds "and the process" await 5 end "$old"

# ---- and not all leave at the same time ----
stop
server "workers = 2" "stay_time = 1ms" "drain_time = 4s"
start
waiters=()
for i in {1..24}; do
    dial fd "$b"
    same "echo $i of many" "$i" "$(asks "$fd" "$i")"
    (cat <&"$fd" >/dev/null; date +%s%3N >>"$T/ends") &
    waiters+=($!)
    hang_up "$fd"
done
holds "a new echo serves all of them anew" swap echo
wait "${waiters[@]}"
ends=$(sort -n "$T/ends")
spread=$(($(tail -n 1 <<<"$ends") - $(head -n 1 <<<"$ends")))
same "all were told" 24 "$(wc -l <"$T/ends")"
holds "over a while: $spread ms" test $spread -ge 800
holds "but before the end of the drain" test $spread -lt $((3500 * PATIENCE))

# ---- no more than a few may stay ----
stop
server "workers = 1" "drain_time = 1s"
start
fds=()
for i in 1 2 3 4; do
    dial fd "$b"
    fds+=("$fd")
    same "echo $i" "$i" "$(asks "$fd" "$i")"
    holds "swap $i" swap echo
done
holds "the first had to go" ended "${fds[0]}"
same "the latest stays" five "$(asks "${fds[3]}" five)"
same "no crash" "" "$(grep -Ei 'crash|signal 6|does not answer|wrong message' "$LOG")"
