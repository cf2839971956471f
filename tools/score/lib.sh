# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lib.sh - what every row of the scoreboard uses; sourced first, by bash. It stands on that of the
# system tests, which has the server, its temp folder and the end of everything.
#
# A row is a script of rows/. It prints "row FIGURE|MUST BE|MEASURED|ok" (or FAIL, or "shown") on
# standard output, and all else on standard error. QUICK=yes asks for smaller numbers.
# shellcheck source-path=SCRIPTDIR/../../tests/system
SCORE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$SCORE/../../tests/system/lib.sh"
QUICK=${QUICK:-no}
REQUESTS=10000 # that each load has had answered, at least, before a row ends
[ "$QUICK" = no ] || REQUESTS=2000
LOADS=() # names of the loads that run
declare -A LOAD_PIDS=()
exec 3>&1 1>&2
# The server is asked to end when nobody holds it up any more.
trap 'kill -TERM "${LOAD_PIDS[@]}" 2>/dev/null; clean_up; exit $FAILED' EXIT

say() { printf '# %s: %s\n' "$NAME" "$*" >&2; }
row() { printf 'row %s|%s|%s|%s\n' "$1" "$2" "$3" "$4" >&3; } # row FIGURE MUST MEASURED VERDICT
# judge FIGURE MUST MEASURED TEST …: ok when the test is true
judge() {
    local verdict=FAIL
    if "${@:4}"; then verdict=ok; fi
    row "$1" "$2" "$3" "$verdict"
}
# The same of a time: a quick run is too short to say more than what it was.
judge_time() {
    if [ "$QUICK" = yes ]; then row "$1" "$2" "$3" shown; else judge "$@"; fi
}
give_up() { row "$NAME" "runs" "$1: $(tail -n 2 "$LOG" 2>/dev/null | tr '\n|' ' /')" FAIL; exit 1; }
# pick QUICK FULL: that number which this run takes
pick() { if [ "$QUICK" = yes ]; then echo "$1"; else echo "$2"; fi; }
us_now() { echo "${EPOCHREALTIME/[.,]/}"; }
# field NAME TEXT: the word after NAME
field() { awk -v name="$1" '{ for (i = 1; i < NF; i++) if ($i == name) print $(i + 1) }' <<<"$2"; }

# ---- loads ----

load() { # load NAME PROGRAM ARGUMENT …: it runs; its progress is in $T/NAME.progress
    local name=$1 program=$2
    shift 2
    rm -f "$T/$name.progress" # of one before it
    "$BUILD/score/$program" "$@" "$T/$name.progress" >"$T/$name.out" 2>"$T/$name.err" 3>&- &
    LOAD_PIDS[$name]=$!
    STARTED+=("$!")
    LOADS+=("$name")
}
# progress NAME N: the Nth number of its progress; 0 before there is any
progress() {
    local words=()
    [ ! -s "$T/$1.progress" ] || read -r -a words <"$T/$1.progress"
    echo "${words[$2 - 1]:-0}"
}
# reached NAME N: it has done so much; fails after 60 s or when it has ended
reached() {
    local until=$((SECONDS + 60 * PATIENCE))
    while [ "$(progress "$1" 1)" -lt "$2" ]; do
        if [ $SECONDS -ge $until ] || ! kill -0 "${LOAD_PIDS[$1]}" 2>/dev/null; then
            say "$1 did $(progress "$1" 1) of $2: $(tail -n 3 "$T/$1.err")"
            return 1
        fi
        command sleep 0.005
    done
}
# under_load N COMMAND …: the command; each load has done something while it ran, and N more soon
under_load() {
    local least=$1 name status=0
    local -A before=()
    shift
    for name in "${LOADS[@]}"; do before[$name]=$(progress "$name" 1); done
    "$@" || status=1
    for name in "${!before[@]}"; do # it was there during the event, and goes on
        [ "$(progress "$name" 1)" -gt "${before[$name]}" ] || status=1
        reached "$name" $((${before[$name]} + least)) || status=1
    done
    return $status
}
# end_load NAME: it ends, and what it counted is in $COUNTS
end_load() {
    local name rest=()
    kill -TERM "${LOAD_PIDS[$1]}" 2>/dev/null
    wait "${LOAD_PIDS[$1]}" 2>/dev/null
    unset "LOAD_PIDS[$1]"
    COUNTS=$(<"$T/$1.out")
    [ ! -s "$T/$1.err" ] || sed "s/^/# $NAME: $1: /" "$T/$1.err" >&2
    for name in "${LOADS[@]}"; do [ "$name" = "$1" ] || rest+=("$name"); done
    LOADS=("${rest[@]}")
    say "$1: ${COUNTS:-it said nothing}"
    [ -n "$COUNTS" ]
}
# failures COUNTS: of http_load's line: how many requests, and of which kinds
failures() {
    awk '{ for (i = 1; i < NF; i++) v[$i] = $(i + 1)
        n = split("refused reset eof short wrong late", kinds, " ")
        for (i = 1; i <= n; i++) { sum += v[kinds[i]]
            if (v[kinds[i]]) text = text " " kinds[i] " " v[kinds[i]] }
        print sum + 0 (text ? " (" substr(text, 2) ")" : "") }' <<<"$1"
}

# ---- the server ----

# site: a folder to serve, with bytes of chance
site() {
    mkdir -p "$T/www"
    head -c 12000 /dev/urandom >"$T/www/page"
}
# swap PLUGIN: another file of the same plugin is put in place, as an installer does, and serves
swap() {
    local n
    n=$(generation "$1")
    cp "$BUILD/plugins/$1.so" "$T/swap.so"
    us_now >>"$T/swap.so"
    plugin_put "$T/swap.so" "$1.so"
    within 20 newer "$1" "$n"
}
# figures: median and worst of numbers, one a line
figures() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0, v[NR] + 0 }'; }
