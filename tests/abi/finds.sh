#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tools/abi finds every way of changing the SDK, lets what is told pass before 1.0, and only growth
# after it.
set -u
cd "$(dirname "$0")/../.." || exit 2
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
failed=0

result() { # result WHAT STATUS
    if [ "$2" -eq 0 ]; then echo "ok abi/finds: $1"; return; fi
    echo "FAIL abi/finds: $1: $(tr '\n' '|' <"$T/out" | cut -c1-400)"
    failed=1
}
# tree RELEASE [NAME …]: the SDK as it is, released as RELEASE; the changelog tells of NAMEs since
tree() {
    local release=$1
    shift
    rm -rf "$T/tree"
    mkdir -p "$T/tree/tests/abi/$release"
    cp -R sdk "$T/tree/sdk"
    cp tests/abi/record.txt "$T/tree/tests/abi/"
    cp tests/abi/record.txt "$T/tree/tests/abi/$release/"
    # shellcheck disable=SC2016 # back quotes
    { printf -- '- `%s`\n' "$@"; printf '## %s\n' "$release"; } >"$T/tree/sdk/CHANGELOG.md"
}
# change FILE SED: it must change something
change() {
    sed -i.old "$2" "$T/tree/sdk/$1"
    if cmp -s "$T/tree/sdk/$1" "$T/tree/sdk/$1.old"; then
        echo "$2 changes nothing" >"$T/out"
        result "a change of $1" 1
    fi
    rm "$T/tree/sdk/$1.old"
}
# refuses WHAT PATTERN [MODE]: tools/abi says so, and --update writes nothing
refuses() {
    if tools/abi ${3:+"$3"} "$T/tree" >"$T/out" 2>&1; then result "refuses $1" 1; return; fi
    grep -q "^FAIL abi: .*$2" "$T/out" && cmp -s tests/abi/record.txt "$T/tree/tests/abi/record.txt"
    result "refuses $1" $?
}
passes() { # passes WHAT [MODE]
    tools/abi ${2:+"$2"} "$T/tree" >"$T/out" 2>&1
    result "passes $1" $?
}

# Each row: what, a name that tells of it, the file, and the change.
mapfile -t broken <<'ROWS'
a member added in the middle|gyre_api|gyre.h|s/^    uint64_t (\*room)/    void (*extra)(void);\n&/
a type changed|gyre_actor.worker|gyre.h|s/^    uint32_t worker;/    int32_t worker;/
a width changed|gyre_mail|gyre.h|/^struct gyre_mail {/,/^}/s/uint64_t tag/uint32_t tag/
a member removed|gyre_proto|gyre.h|/^    uint32_t idle_ms;/d
members reordered|gyre_plugin|gyre.h|s/uint32_t flags, conf_size;/uint32_t conf_size, flags;/
a signature changed|gyre_api.room|gyre.h|s/uint64_t (\*room)(struct/uint64_t (*room)(const struct/
a member of a service removed|gyre_file|services/file.h|/^    struct gyre_buf \*(\*cached)/d
an enum renumbered|gyre_why|gyre.h|s/^    GYRE_RESET,/    GYRE_ODD, GYRE_RESET,/
an enum's value changed|GYRE_FULL|gyre.h|s/GYRE_FULL = -2,/GYRE_FULL = -20,/
a macro's value changed|GYRE_NEVER|gyre.h|s/GYRE_NEVER INT64_MAX/GYRE_NEVER INT32_MAX/
a macro removed|GYRE_MS|gyre.h|/^#define GYRE_MS(n)/d
a result changed|gyre_hex_digit|bytes.h|s/ int gyre_hex_digit/ long gyre_hex_digit/
a value grown|gyre_ref gyre_mail|gyre.h|s/^    uint64_t at, id;/    uint64_t at, id, more;/
ROWS
for row in "${broken[@]}"; do
    what=${row%%|*} rest=${row#*|}
    name=${rest%%|*} rest=${rest#*|}
    file=${rest%%|*} edit=${rest#*|}
    tree 0.1
    change "$file" "$edit"
    refuses "$what, untold" "does not name it" --update
    # shellcheck disable=SC2086 # a list of names
    tree 0.1 $name
    change "$file" "$edit"
    passes "$what, told before 1.0" --update
    # shellcheck disable=SC2086
    tree 1.0 $name
    change "$file" "$edit"
    refuses "$what, though told, after 1.0" "since 1.0" --update
done

tree 0.1 gyre_proto
change gyre.h '/^    uint32_t idle_ms;/d'
refuses "a change that is told, and not in the record" "is old"
passes "the same, written into the record" --update
passes "the same, once it is in the record"

# What says the same is no change; what grows at the end may after 1.0, with a new GYRE_MINOR.
minor='s/^#define GYRE_MINOR 1/#define GYRE_MINOR 2/'
tree 1.0
change gyre.h 's/struct gyre_actor \*by, /struct gyre_actor *mother, /; s/^ \* LAWS$/ * Laws/'
passes "another name of a parameter, and a comment"
mapfile -t grown <<'ROWS'
a call at the end|gyre_api|gyre.h|/^struct gyre_api/,/^};/s/^};/void (*extra)(void);\n};/
a callback|gyre_proto.on_x|gyre.h|/^struct gyre_proto/,/^};/s/^};/void (*on_x)(void);\n};/
a column of rows|gyre_option|gyre.h|/^struct gyre_option {/,/^};/s/^};/const char *extra;\n};/
a member that the host makes|gyre_actor|gyre.h|s/^    uint32_t worker;/&\n    uint32_t extra;/
a value of an enum|GYRE_ODD|gyre.h|s/^    GYRE_WHY_WIDTH_/    GYRE_ODD,\n&/
ROWS
for row in "${grown[@]}"; do
    what=${row%%|*} rest=${row#*|}
    name=${rest%%|*} rest=${rest#*|}
    file=${rest%%|*} edit=${rest#*|}
    tree 1.0 GYRE_MINOR
    change "$file" "$edit;$minor"
    refuses "$what, untold after 1.0" "does not name it" --update
    tree 1.0 "$name"
    change "$file" "$edit"
    refuses "$what, with the same GYRE_MINOR" "it rises" --update
    tree 1.0 "$name" GYRE_MINOR
    change "$file" "$edit;$minor"
    passes "$what, told after 1.0" --update
done
tree 1.0 gyre_mail GYRE_MINOR
change gyre.h '/^struct gyre_mail {/,/^};/s/^};/    uint32_t extra;\n};/;'"$minor"
refuses "a member in a hole that old plugins count as theirs" "not at the end" --update

# What could not grow later, whatever the changelog says.
tree 0.1 gyre_work
change services/work.h 's/^    uint32_t size;//'
refuses "a table without a size" "does not begin with uint32_t size" --update
tree 0.1 gyre_mail
change gyre.h '/^struct gyre_mail {/,/^}/s/uint64_t tag/long tag/'
refuses "a member without a fixed width" "no fixed width" --update
tree 0.1 gyre_api
change gyre.h 's/ \*by, const struct gyre_dial \*/ *by, struct gyre_dial/'
refuses "by value what may grow" "by value, which may grow" --update
tree 0.1 gyre_how
change gyre.h '/GYRE_HOW_WIDTH_/d'
refuses "an enum without a width" "fixes its width" --update
tree 0.1 gyre_plugin
change gyre.h 's/^    uint32_t size, target, option_size, /    uint32_t size, target, /'
refuses "rows without their size" "size of its rows" --update
tree 0.1 gyre_mail
change gyre.h '/^struct gyre_mail {/,/^}/s/uint64_t tag;/uint64_t tag : 3;/'
refuses "what it cannot read" "cannot read" --update
tree 0.2
refuses "a release that gyre.h knows nothing of" "has 0.2, but GYRE_MINOR is 1"
tree 0.1
if tools/abi --release 0.2 "$T/tree" >"$T/out" 2>&1; then result "refuses another version" 1
else
    grep -q "^FAIL abi: the release is 0.1" "$T/out"
    result "refuses a release under another version" $?
fi
tree 0.1
: >"$T/tree/sdk/CHANGELOG.md"
refuses "a changelog without the release" "no heading"
exit $failed
