#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# [server] log: a file that is rotated, moved away and opened again while services write to it; the
# sockets of syslog and the journal; what cannot be opened; a full disk.
. "$(dirname "$0")/lib.sh"
ports a b
F=$T/logs/gyre.log
mkdir "$T/logs"
tell tell.so
tell more.so '-DNAME="more"'
logs() { server "log = $F" "$@"; }
conf 30.ini <<END
[tell]
listen = tcp:localhost:$a
[more]
listen = tcp:localhost:$b
END
all() { cat "$F".* "$F" 2>/dev/null; }
# say PORT FROM TO: so many lines of a service, and answers to all of them
say() { talk "$1" "$(seq -f 'log %.0f.' "$2" "$3" | tr '\n' '#' | sed 's/#/\\n/g')" | wc -l; }
count() { grep -c "$1" "$2"; }

# ---- a file ----
logs "log_max = 20k" "log_keep = 900"
umask 077
start
umask 022
holds "the change of the log is told where it was" grep -q "the log goes to $F" "$LOG"
same "the file is its owner's, and a group reads it" 640 "$(stat -c %a "$F")"
same "a service logs" 1 "$(say "$a" 7 7)"
like "to the file" ' info +tell/1: \[tell\] log 7\.$' "$(cat "$F")"
(say "$a" 10001 13000 >"$T/first") &
first=$!
same "many lines of two processes" 3000 "$(say "$b" 20001 23000)"
wait "$first"
same "of both" 3000 "$(cat "$T/first")"
holds "files were rotated" within 5 test -e "$F.1"
holds "and the log goes on in a new one" within 5 eval '[ "$(stat -c %s "$F")" -lt 20480 ]'
same "no line is lost, or there twice" "$(seq 10001 13000; seq 20001 23000)" \
    "$(all | sed -n 's/.*log \([0-9]\{5\}\)\.$/\1/p' | sort)"
stamp='^20[0-9-]{8}T[0-9:.]{12}Z (info |warn |error) [a-z]+(/[0-9]+)?: '
same "nor torn" 0 "$(all | grep -Evc "$stamp")"
mv "$F" "$T/logs/moved"
kill -USR1 "$PID"
holds "SIGUSR1 opens it again" within 5 test -e "$F"
same "of two services" "1 1" "$(say "$a" 31 31) $(say "$b" 32 32)"
like "one" 'log 31\.' "$(cat "$F")"
like "and the other write to it" 'log 32\.' "$(cat "$F")"
mv "$F" "$T/logs/moved"
holds "so does gyrectl" ctl log-reopen
same "a line" 1 "$(say "$a" 33 33)"
same "is there" 1 "$(count 'log 33' "$F")"
mv "$F" "$T/logs/moved"
holds "and without a word it is found soon" within 5 test -e "$F"
holds "an upgrade" ctl upgrade
same "goes on" "1 1" "$(say "$a" 41 41) $(say "$b" 42 42)"
same "in the same file" "1 1" "$(count 'log 41' "$F") $(count 'log 42' "$F")"
like "with a word of its own" 'has taken over' "$(all)"
kill -KILL "$(service tell)"
holds "a service that starts again" within 5 eval '[ "$(say "$a" 43 43)" = 1 ]'
holds "logs there" grep -q 'log 43' "$F"
rm -r "$T/logs"
holds "a folder that is gone" within 5 eval '! ctl log-reopen'
same "stops nothing" 1 "$(say "$a" 44 44)"
mkdir "$T/logs"
holds "there again it is used again" within 5 test -e "$F"

# ---- another log, while services serve ----
dial steady "$a"
: >"$LOG"
logs "log = stderr"
logs() { server "log = $1" "${@:2}"; }
logs stderr
holds "back to standard error" ctl reload
printf 'log 51.\n' >&"$steady"
same "of an open connection" 'log 51.' "$(line "$steady")"
holds "it goes there" log_says 'log 51'
logs "$F"
holds "and to a file, that no service might grow" ctl reload
printf 'log 52.\n' >&"$steady"
same "on the same connection" 'log 52.' "$(line "$steady")"
same "is written to" 1 "$(count 'log 52' "$F")"
hang_up "$steady"
refused() { # refused LOG PATTERN
    local said
    logs "$1"
    said=$(ctl reload 2>&1)
    same "log = ${1#"$T"}: refused" 1 $?
    like "log = ${1#"$T"}: and why" "10-server.ini:4: .*$2" "$said"
    said=$("$BUILD/gyre" --check "$T/conf.d" 2>&1)
}
refused "$T/none/log" 'No such file'
refused "$T/logs" 'is no file|Is a directory'
ln -s "$T/elsewhere" "$T/link"
refused "$T/link" 'Too many levels'
refused "here" "with a '/'"
refused "syslog:$T/nobody" 'No such file'
refused "syslog:/$(printf '%0200d' 0)" 'too long'
same "the log is what it was" 1 "$(say "$a" 53 53)"
same "and gets the lines" 1 "$(count 'log 53' "$F")"
holds "no link was followed" test ! -e "$T/elsewhere"

# ---- the daemons ----
: >"$T/heard"
listen() { # listen SOCKET
    rm -f "$1"
    : >"$T/heard"
    "$BUILD/tests/notified" "$1" >>"$T/heard" 2>&1 </dev/null &
    LISTENER=$!
    STARTED+=("$LISTENER")
    await 5 text "$T/heard" bound
}
listen "$T/dev-log"
logs "syslog:$T/dev-log"
holds "syslog" ctl reload
same "a line" 1 "$(say "$a" 61 61)"
holds "comes there" await 5 text "$T/heard" 'log 61'
like "as it has to be" \
    '^<30>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} gyre\[[0-9]+\]: tell/[0-9]+: \[tell\] ' \
    "$(cat "$T/heard")"
kill "$LISTENER"
await 5 end "$LISTENER"
same "without its daemon" 1 "$(say "$a" 62 62)"
listen "$T/dev-log"
again() { say "$a" 65 65 && grep -q 'lines of the log were lost here' "$T/heard"; }
holds "one that comes back is found, and told what was lost" within 10 again
listen "$T/journal"
logs "journal:$T/journal"
holds "the journal" ctl reload
same "a line" 1 "$(say "$a" 63 63)"
holds "comes there, with its fields" await 5 text "$T/heard" \
    'PRIORITY=6 SYSLOG_IDENTIFIER=gyre MESSAGE=tell/'
stop
logs stderr
start
unlike "standard error that is no journal" '^<' "$(cat "$LOG")"
stop
JOURNAL_STREAM=$(stat -c %d:%i "$LOG")
export JOURNAL_STREAM
for to in stderr journal; do
    logs $to
    start
    holds "the journal by standard error, log = $to" log_says '<6>supervisor: '
    same "$to: a service" 1 "$(say "$a" 64 64)"
    like "$to: too" '^<6>tell/1: \[tell\] log 64' "$(cat "$LOG")"
    stop
done
unset JOURNAL_STREAM

# ---- a start that cannot have its log; a full disk ----
logs "$T/none/log"
"$BUILD/gyre" "$T/conf.d" >"$T/said" 2>&1
same "a start without its log is refused" 1 $?
like "and says so on standard error" '10-server.ini:4: cannot log to .*No such' "$(cat "$T/said")"
"$BUILD/gyre" --check "$T/conf.d" >"$T/said" 2>&1
same "a check finds it, too" 1 $?
like "and says the same" '10-server.ini:4: cannot log to .*No such file' "$(cat "$T/said")"
if ! unshare -m true 2>/dev/null; then
    skip "no file system of its own to be filled"
    exit 0
fi
mkdir "$T/disk"
logs "$T/disk/log"
# shellcheck disable=SC2016 # for the other shell
RUN_BY=(unshare -m sh -c 'mount -t tmpfs -o size=64k none "$0" && exec "$@"' "$T/disk")
start
disk=/proc/$PID/root$T/disk
same "on a disk" 1 "$(say "$a" 71 71)"
cat /dev/zero >"$disk/filler" 2>/dev/null
same "that is full" 500 "$(say "$a" 80001 80500)"
same "it goes on" 1 "$(say "$b" 72 72)"
rm "$disk/filler"
same "and with room again" "1 1" "$(say "$a" 73 73) $(say "$b" 74 74)"
said=$(cat "$disk/log")
like "it logs" 'log 74' "$said"
same "and says once what was lost, each process" 2 "$(grep -c 'log were lost here' <<<"$said")"
like "how much" 'tell/1: [45][0-9][0-9] lines' "$said"
same "and every line is one, but for what was cut by the end of the disk" "" \
    "$(grep -Ev "$stamp|^2[0-9TZ:. a-z/-]{0,40}\$" <<<"$said")"
