#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A set that cannot be: whatever is in the way, files and running state stay as they were, and it is
# said what is wrong. Changes that come together are made one after another, and none is lost.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] && unshare -m true 2>/dev/null; then
    OWN_MOUNTS=yes exec unshare -m "$0" "$@" # for a disk that is full, seen by this test alone
fi
. "$(dirname "$0")/lib.sh"
ports a b c d
plugins echo
tell tell.so
plugin_put "$BUILD/tests/plugins/hostile.so" hostile.so
if [ -n "${OWN_MOUNTS:-}" ]; then
    mount --make-rprivate / 2>/dev/null
    mount -t tmpfs -o size=128k,mode=755 tmpfs "$T/conf.d" || fail "a small disk"
    trap 'umount -l "$T/conf.d"; clean_up; exit $FAILED' EXIT
fi
server "workers = 1"
conf 30.ini <<END
[hostile]
listen = tcp:localhost:$a
[tell]
listen = tcp:localhost:$b
greeting = hi
END
start
all() { find "$T/conf.d" -maxdepth 1 -name '*.ini' -type f -exec cat {} +; }
dial hostile "$a"
echo x >&"$hostile"
same "a connection" x "$(line "$hostile")"
pids=$(services)
alone() { [ "$(services)" = "$pids" ]; } # those that tried a change leave at once
serves() { # serves WHAT: what was open is, and the process is the same
    echo still >&"$hostile"
    same "$1: the connection is open" still "$(line "$hostile")"
    holds "$1: the processes are the same" within 3 alone
    same "$1: the others serve" hi "$(talk "$b" 'greeting\n')"
}
# refused WHAT PATTERN COMMAND …: with status 1, and the files are as they were
refused() {
    local what=$1 pattern=$2 before status
    shift 2
    before=$(all)
    timeout 30 "$BUILD/gyrectl" --run "$T/run" "$@" >"$T/said" 2>&1
    status=$?
    same "$what: refused" 1 $status
    like "$what: why" "$pattern" "$(cat "$T/said")"
    like "$what: and that nothing was changed" 'nothing was changed' "$(cat "$T/said")"
    same "$what: the files are as they were" "$before" "$(all)"
}

# ---- on_load ----

refused "it crashes on it" \
    '30.ini:1: \[hostile\] a process that tried to load it crashed: SIGABRT' \
    set hostile load=crashes
serves "it crashes on it"
refused "it ends on it" '30.ini:1: \[hostile\] a process that tried to load it ended with' \
    set hostile load=leaves_0
serves "it ends on it"
refused "in a new process" 'service other/1: crashed: SIGABRT' \
    set hostile load=crashes group=other
serves "in a new process"
refused "in a new section" 'crashed: SIGABRT' \
    add 'hostile two' load=crashes "listen=tcp:localhost:$c"
serves "in a new section"
refused "in the first section of a plugin" 'crashed: SIGABRT' \
    add 'hostile two' load=crashes group=new
serves "in the first section of a plugin"
unlike "there is no such service" '^new ' "$(ctl status)"

# It takes its time; meanwhile two others ask.
timeout 30 "$BUILD/gyrectl" --run "$T/run" set hostile load=waits >"$T/said" 2>&1 &
slow=$!
trying() { [ "$(services | wc -l)" -gt "$(wc -l <<<"$pids")" ]; }
holds "another process tries it" within 5 trying
timeout 30 "$BUILD/gyrectl" --run "$T/run" set tell greeting=second >"$T/second" 2>&1 &
second=$!
timeout 30 "$BUILD/gyrectl" --run "$T/run" set tell streams_max=9 >"$T/third" 2>&1 &
third=$!
wait $slow
same "it never ends on it: refused" 1 $?
like "why" '30.ini:1: \[hostile\] a process that tried to load it .*not ready in time' \
    "$(cat "$T/said")"
unlike "its file is as it was" 'load' "$(cat "$T/conf.d/30.ini")"
wait $second
same "who asked meanwhile is served" 0 $?
wait $third
same "and the next" 0 $?
same "neither change is lost" 'greeting = second|streams_max = 9' \
    "$(grep -E 'greeting|streams_max' "$T/conf.d/30.ini" | paste -sd'|')"
holds "all at once" ctl set tell greeting=hi
asked=()
for i in {1..8}; do ctl add tell "listen=unix:$T/$i.sock" >"$T/said$i" 2>&1 & asked+=($!); done
wait "${asked[@]}"
same "of eight at once none is lost" 8 "$(grep -c '^listen = unix:' "$T/conf.d/30.ini")"
serves "eight at once"

# ---- ports ----

nc -lk 127.0.0.1 "$d" >/dev/null </dev/null &
holder=$!
STARTED+=("$holder")
taken() { : <"/dev/tcp/127.0.0.1/$d"; }
within 5 taken 2>/dev/null || fail "nc holds the port"
refused "a port that is taken" "cannot listen on tcp:127.0.0.1:$d: taken" \
    add tell "listen=tcp:localhost:$d"
refused "and of a new section" "cannot listen on tcp:127.0.0.1:$d: taken" \
    add echo "listen=tcp:localhost:$d"
serves "a port that is taken"

# ---- other files ----

printf '[echo]\nlisten = tcp:local' >"$T/conf.d/40.ini"
refused "a file that is half written" '40.ini:2: listen = tcp:local' set tell greeting=x
printf '[echo' >"$T/conf.d/40.ini"
refused "one that is broken" "40.ini:1: no ']'" set tell greeting=x
rm "$T/conf.d/40.ini"
mkdir "$T/conf.d/40.ini"
refused "one that cannot be read" '40.ini: .*is no regular file' set tell greeting=x
rmdir "$T/conf.d/40.ini"
serves "other files"

# ---- the file is edited by hand while a change is made ----

holds "debug" ctl log-level debug
kill -STOP "$(service tell)" # so that it cannot answer
: >"$LOG"
ctl set tell greeting=gyrectl >"$T/said" 2>&1 &
asked=$!
holds "one has tried it" log_says 'service tell/2 has drained'
sed 's/^streams_max = 9/streams_max = 11/' "$T/conf.d/30.ini" >"$T/.conf"
mv "$T/.conf" "$T/conf.d/30.ini"
kill -CONT "$(service tell)"
wait $asked
same "a file that is edited meanwhile: it is made once more" 0 $?
same "on the new text" 'greeting = gyrectl|streams_max = 11' \
    "$(grep -E 'greeting|streams_max' "$T/conf.d/30.ini" | paste -sd'|')"
same "and is in force" gyrectl "$(talk "$b" 'greeting\n')"
holds "as it was" ctl set tell greeting=hi
holds "info" ctl log-level info

# ---- the disk ----

if [ -n "${OWN_MOUNTS:-}" ]; then
    cat /dev/zero >"$T/conf.d/fill" 2>/dev/null
    refused "a disk that is full" 'cannot write .*No space left on device.*make room' \
        set tell greeting=full
    refused "for a new file, too" 'No space left' add echo "listen=tcp:localhost:$c"
    rm "$T/conf.d/fill"
    serves "a disk that is full"
    mount -o remount,ro "$T/conf.d"
    refused "a disk that cannot be written" 'Read-only file system: .*mounted read-only' \
        set tell greeting=fixed
    mount -o remount,rw "$T/conf.d"
    serves "a disk that cannot be written"
    holds "when it can" ctl set tell greeting=hi
else
    skip "only root can mount a disk that is full"
    chmod 555 "$T/conf.d"
    refused "a folder that cannot be written" \
        'Permission denied: the user that runs Gyre must be able to write' set tell greeting=fixed
    chmod 755 "$T/conf.d"
    serves "a folder that cannot be written"
fi
same "nothing is left lying" "" "$(find "$T/conf.d" -name '.*gyre-new')"

stop
same "it stops with 0" 0 "$STATUS"
