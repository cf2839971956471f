#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl history and undo: who changed what, kept over the server's end; a change is taken back as
# long as its lines are as it left them.
. "$(dirname "$0")/lib.sh"
ports a
plugins echo
tell tell.so
server "workers = 1"
conf 30.ini <<END
; What tells.
[tell]
listen = tcp:localhost:$a
greeting = first

[none]
password = old
END
chmod 600 "$T/conf.d/30.ini"
start
tells() { talk "$a" 'greeting\n'; }
refused() { # refused WHAT PATTERN COMMAND …
    local what=$1 pattern=$2 before status
    shift 2
    before=$(cat "$T"/conf.d/*.ini)
    ctl "$@" >"$T/said" 2>&1
    status=$?
    same "$what: refused" 1 $status
    like "$what: why" "$pattern" "$(cat "$T/said")"
    same "$what: the files are as they were" "$before" "$(cat "$T"/conf.d/*.ini)"
}
original=$(cat "$T/conf.d/30.ini")

same "at first there is nothing" "" "$(ctl history)"
refused "nothing to undo" 'nothing is left to be undone' undo
like "a change has a number" '^change 1: set tell greeting=second, at 30.ini:4$' \
    "$(ctl set tell greeting=second)"
like "it is in the history" \
    "^ +1 +20[0-9-]+ [0-9:]+ +$(id -un) +30.ini +set tell greeting=second$" "$(ctl history)"
like "as JSON" "\"number\": 1, \"when\": [0-9]+, \"uid\": $(id -u), " "$(ctl --json history)"
same "it is for its owner alone" "700 600" \
    "$(stat -c %a "$T/conf.d/.gyre-history" "$T/conf.d/.gyre-history/00000001" | paste -sd' ')"
like "undo" '^change 2: undo 1, at 30.ini:4$' "$(ctl undo)"
same "the file is as it was" "$original" "$(cat "$T/conf.d/30.ini")"
same "and in force" first "$(tells)"
same "with its mode" 600 "$(stat -c %a "$T/conf.d/30.ini")"
refused "once more: there is nothing left" 'nothing is left to be undone' undo
holds "the undoing is undone by its number" ctl undo 2
same "and in force again" second "$(tells)"
refused "an unknown change" 'no change 99 is kept' undo 99
refused "no number" 'undo \[NUMBER\]' undo last

# Secrets, and what may be one.
holds "a value of a plugin that is not there" ctl set none password=geheim
unlike "is not in the history" geheim "$(ctl history) $(ctl --json history)"
like "but that it was set" 'set none password=\*\*\*' "$(ctl history 1)"
unlike "nor in the log" geheim "$(cat "$LOG")"
same "history 1 is the latest" 1 "$(ctl history 1 | tail -n +2 | wc -l)"

# Others have changed the file since.
holds "a change" ctl set tell greeting=third
number=$(ctl history 1 | awk 'NR == 2 { print $1 }')
holds "a later one of another key" ctl set tell streams_max=7
sed -i 's/^; What tells/; On top.\n&/' "$T/conf.d/30.ini"
holds "and an edit by hand" ctl reload
like "which is in the history" 'file +30.ini +edited by hand' "$(ctl history 1)"
holds "the first of them is undone" ctl undo "$number"
same "and the others stay" '; On top.|greeting = second|streams_max = 7' \
    "$(grep -E 'greeting|streams_max|top' "$T/conf.d/30.ini" | paste -sd'|')"
same "in force" second "$(tells)"
holds "undo: the edit by hand" ctl undo
unlike "is taken back" 'On top' "$(cat "$T/conf.d/30.ini")"
holds "undo: the one before it" ctl undo
unlike "is taken back" 'streams_max' "$(cat "$T/conf.d/30.ini")"
holds "a change" ctl set tell greeting=fourth
holds "and another of the same line" ctl set tell greeting=fifth
refused "lines that are not as the change left them" 'lines that change [0-9]+ touched' \
    undo "$(ctl history 2 | awk 'NR == 3 { print $1 }')"

before=$(cat "$T/conf.d/30.ini")
holds "a change" ctl add tell "listen=unix:$T/more.sock"
printf '%s\n' "$before" | conf 30.ini
chmod 600 "$T/conf.d/30.ini"
like "one that was taken back by hand" 'it is so already' \
    "$(ctl undo "$(ctl history 1 | awk 'NR == 2 { print $1 }')")"
same "is not taken back twice" "$before" "$(cat "$T/conf.d/30.ini")"
holds "the edit is noticed" ctl reload

# Sections and files.
holds "a section in a new file" ctl add echo "listen=unix:$T/echo.sock"
holds "is undone" ctl undo
same "with its file" "" "$(find "$T/conf.d" -name '*echo*')"
unlike "and not served" '^echo' "$(ctl status)"
holds "the undoing, too" ctl undo "$(ctl history 1 | awk 'NR == 2 { print $1 }')"
same "and the file is there" "listen = unix:$T/echo.sock" "$(tail -n 1 "$T/conf.d/20-echo.ini")"
before=$(cat "$T/conf.d/30.ini")
holds "a section goes" ctl remove tell
holds "and comes back" ctl undo
same "as it was" "$before" "$(cat "$T/conf.d/30.ini")"
same "and serves" fifth "$(tells)"
rm "$T/conf.d/20-echo.ini"
holds "a file that is removed by hand" ctl reload
holds "comes back" ctl undo
same "as it was" "listen = unix:$T/echo.sock" "$(tail -n 1 "$T/conf.d/20-echo.ini")"

# It outlives the server.
lines=$(ctl history | wc -l)
stop
start
same "the history is there after a restart" "$lines" "$(ctl history | wc -l)"
like "and goes on" '^change [0-9]{2,}: ' "$(ctl set tell greeting=seventh)"
holds "undo reaches back before it" ctl undo
printf 'nonsense' >"$T/conf.d/.gyre-history/00000001"
holds "a file of it that is damaged is passed over" ctl history
holds "and said" log_says '00000001 is damaged'
refused "but not undone" 'is damaged' undo 1

holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
