#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl upgrade: another program takes the place of the one that runs. Connections and requests
# go on over it, and over one that fails; what cannot take over is refused before anything changes.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo http
mkdir "$T/www"
echo here >"$T/www/index.html"
server "workers = 2"
conf 30.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
[echo]
listen = tcp:localhost:$b
END
export GYRE="$BUILD/gyre" OTHER="$BUILD/tests/gyre-other" LAME=
cp "$BUILD/gyre" "$T/gyre"
cp "$BUILD/tests/lame" "$T/lame"
start_with() { # start_with LAME
    stop
    LAME=$1
    export LAME
    start
}
get() { curl -s --max-time 5 "http://127.0.0.1:$a/"; }
program() { readlink "/proc/$PID/exe"; }

start
dial steady "$b"
same "a connection, before" one "$(asks "$steady" one)"
get >/dev/null
old=$(service http)
messages=$(ctl --json status | grep -o '"messages": [0-9]*' | sort | tail -n 1)

# ---- it works ----
: >"$T/requests"
(for _ in $(seq 150); do get >>"$T/requests" || echo lost >>"$T/requests"; done) &
load=$!
said=$(ctl upgrade "$T/gyre" 2>&1)
same "an upgrade ends well" 0 $?
like "and says so" 'gyre .* has taken over from gyre ' "$said"
same "it is that program now" "$T/gyre" "$(program)"
same "of the same pid, and serves" here "$(get)"
unlike "by new processes" "^$old\$" "$(service http)"
same "of the next generation" 2 "$(generation http)"
like "totals go on" "$messages|\"messages\": [0-9]{2,}" "$(ctl --json status)"
holds "again, to the one before" ctl upgrade "$BUILD/gyre"
holds "and without a path: the same program" ctl upgrade
same "that is four generations" 4 "$(generation http)"
wait "$load"
same "no request was lost meanwhile" "150 here" "$(sort "$T/requests" | uniq -c | sed 's/^ *//')"
holds "no descriptor is left open" test "$(find "/proc/$PID/fd" -type l | wc -l)" -lt 40
hang_up "$steady"
conf 40.ini <<END
[http two]
listen = tcp:localhost:$((b))
END
holds "the configuration is watched on" log_says '40.ini:2'
rm "$T/conf.d/40.ini"
holds "and a reload works" ctl reload

# ---- what cannot take over ----
: >"$LOG"
now=$(services | tr '\n' ' ')
refused() { # refused WHAT PATTERN PATH
    local said
    said=$(ctl upgrade "$3" 2>&1)
    same "$1: refused" 1 $?
    like "$1: why" "$2" "$said"
}
echo 'echo no program' >"$T/script"
chmod 755 "$T/script"
cp "$T/script" "$T/open"
chmod 777 "$T/open"
refused "a program that is none" 'it is no gyre that can' /bin/true
refused "a file that is no program" 'cannot be executed|cannot take over' "$T/script"
refused "one that anybody may write" 'can be written by other users' "$T/open"
refused "nothing" 'No such file' "$T/nothing"
refused "a folder" 'cannot|no' "$T"
conf 40.ini <<END
[http two]
lisen = tcp:localhost:1
END
refused "a configuration that is wrong" "40.ini:2: unknown key 'lisen'" "$T/gyre"
rm "$T/conf.d/40.ini"
same "nothing has changed" "$now" "$(services | tr '\n' ' ')"
same "and it serves" here "$(get)"

# ---- what fails later goes back ----
start_with table
same "it starts" here "$(get)"
now=$(services | tr '\n' ' ')
dial steady "$b"
said=$(ctl upgrade "$T/lame" 2>&1)
same "a table that it cannot read: refused" 1 $?
like "and why" 'in format 1, it takes 99' "$said"
same "the program before goes on" "$BUILD/gyre" "$(program)"
same "with its processes" "$now" "$(services | tr '\n' ' ')"
same "and connections" three "$(asks "$steady" three)"
same "and serves" here "$(get)"
holds "a reload works" ctl reload
hang_up "$steady"

start_with services
dial steady "$b"
now=$(service http)
said=$(ctl upgrade "$T/lame" 2>&1)
same "services that do not start: refused" 1 $?
like "and why" 'services of the new program do not start' "$said"
same "the program before goes on, too" "$BUILD/gyre" "$(program)"
holds "with its processes" kill -0 "$now"
same "and its connections" four "$(asks "$steady" four)"
same "and serves" here "$(get)"
hang_up "$steady"

# ---- --single ----
stop
start --single
said=$(ctl upgrade 2>&1)
same "--single is not upgraded" 1 $?
like "and says what to do" 'stop and start it' "$said"
