#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The control socket, without gyrectl: requests that are wrong, late, cut in pieces or too many, and
# clients that do not read, are of another user, or leave. The server answers those who ask.
. "$(dirname "$0")/lib.sh"
ports port
plugins echo
server "workers = 1"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$port
END
start
door=$T/run/control
ask() { printf '%b' "$1" | timeout 10 nc -N -U "$door"; }

like "an unknown request" '"error": "unknown request"' "$(ask 'dance\n')"
like "an empty one" '"error": "unknown request"' "$(ask '\n')"
like "a level that is none" '"error": "a log level is' "$(ask 'log-level loud\n')"
like "no level" '"error": "wrong number of arguments"' "$(ask 'log-level\n')"
like "a level for a service that does not run" 'no such service runs' \
    "$(ask 'log-level debug none\n')"
like "for one that does" '"ok": true' "$(ask 'log-level info echo\n')"
like "describe without a name" '"error": "wrong number of arguments"' "$(ask 'describe\n')"
like "describe with one that is near" "did you mean 'echo'" "$(ask 'describe ech\n')"
same "a line that is too long is not answered" "" "$(ask "$(printf '%0600d' 0)")"
same "nor is one that never ends" "" "$(ask 'status')"
like "a word in quotes" '"name": "echo"' "$(ask '"get" "ec\\x68o"\n')"
like "quotes that do not end" '"error": "a word in quotes' "$(ask 'get "echo\n')"
like "a NUL byte" '"error": "a NUL byte' "$(ask 'get ec\0ho\n')"
like "too many words" '"error": "too many words' "$(ask "set$(printf ' %d' {1..70})\n")"
like "set without a pair" '"error": "set SECTION KEY=VALUE' "$(ask 'set echo group\n')"
like "add with two places" '"error": "add SECTION' "$(ask 'add echo --first --first a=b\n')"
like "undo of no number" '"error": "undo ' "$(ask 'undo x\n')"
like "what follows a line is passed over" '"services"' "$(ask 'status\nstatus\n')"

mkfifo "$T/words"
nc -U "$door" <"$T/words" >"$T/piece" &
STARTED+=($!)
exec {piece}>"$T/words"
printf 'sta' >&"$piece"
like "others are answered meanwhile" '"services"' "$(ask 'status\n')"
printf 'tus\n' >&"$piece"
holds "a request in pieces is whole in the end" await 5 text "$T/piece" '"services"'
hang_up "$piece"

# Sixteen who say nothing; for the next there is no place, and one that leaves makes some.
seats=()
sit() {
    nc -d -U "$door" >/dev/null &
    seats+=($!)
    STARTED+=($!)
}
for i in {1..16}; do sit; done
# Who looks whether all are seated may have taken the place of the last one.
full() { [ -z "$(ask 'status\n')" ] || { sit && false; }; }
holds "sixteen clients, and no more" within 5 full
kill "${seats[@]}" 2>/dev/null
free() { ask 'status\n' | grep -q services; }
holds "when they have left, there is room" within 5 free

# More than the socket takes at once, to one that does not read yet.
{
    echo "[echo]"
    echo "listen = tcp:localhost:$port"
    for i in {1..40}; do printf '[none%d]\ngreeting = %059000d\n' "$i" 0; done
} | conf 30.ini
holds "a large configuration" ctl reload
rm -f "$T/late"
mkfifo "$T/late"
(ask 'config\n' >"$T/late") &
STARTED+=($!)
like "others are answered meanwhile" '"services"' "$(ask 'status\n')"
same "an answer of 2 MB arrives whole" '40 }]}' \
    "$(tee >(tail -c 4 >"$T/end") <"$T/late" | grep -o 'none[0-9]*"' | wc -l) $(cat "$T/end")"

# One reload while another is under way: both are answered, the second after one of its own.
ask 'reload\n' >"$T/one" &
one=$!
ask 'reload\n' >"$T/two" &
wait "$one" $!
like "two reloads at once: the first" '"ok": true' "$(cat "$T/one")"
like "and the second" '"ok": true' "$(cat "$T/two")"

# The file's mode keeps others out; if somebody widens it, the server looks who it is.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$T" "$T/run"
    stranger() {
        printf 'status\n' | timeout 10 setpriv --reuid=65534 --regid=65534 --clear-groups \
            nc -N -U "$door" 2>/dev/null
    }
    same "another user does not get in" "" "$(stranger)"
    chmod 666 "$door"
    same "nor when the door stands open" "" "$(stranger)"
    like "we do" '"services"' "$(ask 'status\n')"
else skip "only root can be another user"; fi

holds "nothing crashed" alive
like "stop is answered at the end" '"ok": true' "$(ask 'stop\n')"
holds "and it is the end" await 5 end "$PID"
wait "$PID"
same "with 0" 0 $?
PID=
