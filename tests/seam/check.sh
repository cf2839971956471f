#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The rooms of the core reach the world through the seam: what each object imports stands in
# tests/seam/calls, and no room of a worker has a syscall there.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
failed=0

# imports OBJECT …: rows "room.c call", one for each undefined symbol that no object defines. The
# library has checking doubles of some functions; the compiler brings helpers of its own.
imports() {
    local object
    nm --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u >"$T/defined"
    for object; do
        echo "$(basename "$object" .o).c"
        nm -u "$object" | awk '{ print $NF }' | sort -u | comm -23 - "$T/defined" |
            sed -e '/^_GLOBAL_OFFSET_TABLE_$/d' -e '/^__stack_chk_fail$/d' \
                -e 's/^__errno_location$/errno/' -e 's/^__\(.*\)_chk$/\1/' -e 's/^__\(.*\)_2$/\1/' \
                -e "s/^/$(basename "$object" .o).c /"
    done
}

# judge OBJECT …: the imports against the table
judge() {
    imports "$@" | awk -v room= '
        FILENAME != "-" {
            sub(/#.*/, "")
            if (/^[^ ]/) {
                room = $1
                sub(/:$/, "", room)
                $1 = ""
            }
            for (i = 1; i <= NF; i++) words[room] = words[room] " " $i
            next
        }
        function expand(room,   list, n, i, more, k) {
            n = split(words[room], list, " ")
            for (i = 1; i <= n; i++)
                if (list[i] in words && list[i] !~ /\.c$/) {
                    split(words[list[i]], more, " ")
                    for (k in more) may[room, more[k]] = 1
                } else {
                    may[room, list[i]] = 1
                    if (room != "*" && room ~ /\.c$/) wanted[room " " list[i]] = 1
                }
        }
        !ready {
            for (room in words) expand(room)
            ready = 1
        }
        {
            seen[$1] = 1
            if (NF < 2) next
            delete wanted[$1 " " $2]
            if (!(("*", $2) in may) && !(($1, $2) in may)) {
                print "FAIL seam: " $1 " calls " $2 ", which is not in its row of tests/seam/calls"
                bad[$1] = 1
            }
        }
        END {
            for (room in seen) if (!(room in bad)) print "ok seam: " room
            for (row in wanted) print "FAIL seam: take out what is not called any more: " row
        }' tests/seam/calls -
}

# That it finds what it is there to find.
mkdir "$T/wrong"
echo 'long read(int, void *, unsigned long); long f(void); long f(void) { return read(0, 0, 0); }' |
    "${CC:-cc}" -x c -c -o "$T/wrong/queue.o" - || exit 2
if judge "$T/wrong/queue.o" | grep -q '^FAIL seam: queue.c calls read,'; then
    echo "ok seam: a room that reads is found"
else
    echo "FAIL seam: a room that reads is not found"
    failed=1
fi

mapfile -t objects < <(find server -name '*.c' | sed "s|^\(.*\)\.c$|$BUILD/obj/\1.o|" | sort)
judge "${objects[@]}" >"$T/out"
cat "$T/out"
! grep -q '^FAIL' "$T/out" && [ $failed -eq 0 ]
