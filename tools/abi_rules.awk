# SPDX-License-Identifier: GPL-3.0-or-later
# abi_rules.awk - from a record of the SDK to what in it could not grow later: "FAIL abi: …" lines.
#
# Four ways a struct may grow stand behind its size. sized: its first member is uint32_t size.
# rows: struct gyre_plugin tells how long a row is. host: the host alone makes it. fixed: never.

/^#/ { next }
$1 == "struct" { class[$2] = $NF; next }
$2 == "=" && $3 == 2147483647 { wide[substr($1, 1, index($1, ".") - 1)] = 1 }
$1 ~ /\./ && $2 == "at" {
    type = $0
    sub(/^.* align +[0-9]+  /, "", type)
    type_of[$1] = type
    owner = substr($1, 1, index($1, ".") - 1)
    members[owner]++
    if (type ~ /\(\*\)/) calls[owner]++
    else if (type == "uint32_t" && calls[owner] == 0) heads[owner]++
}
$1 ~ /^(function|type)$/ { type_of[$2] = substr($0, 40) }

function offence(name, text) { print "FAIL abi: " name ": " text }

# Structs by value, and enums, in the type of a member or a function.
function check_type(name, type,   word, rest) {
    rest = type
    while (match(rest, /(struct |enum )?gyre_[a-z_0-9]+( const)?( ?\*)?/)) {
        word = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (word ~ /^enum /) {
            sub(/^enum /, "", word)
            sub(/ .*/, "", word)
            if (!(word in wide))
                offence(name, "enum " word " has no value that fixes its width, INT32_MAX")
        } else if (word !~ /\*$/) {
            sub(/^struct /, "", word)
            if (word in class && class[word] != "fixed")
                offence(name, "has struct " word " by value, which may grow")
        }
    }
}

END {
    for (name in type_of) {
        type = type_of[name]
        check_type(name, type)
        if (name !~ /\./ || type ~ /\*/) continue
        if (type ~ /^(unsigned|signed|char|short|int|long|float|double|wchar_t)([ [].*)?$/)
            offence(name, type " has no fixed width")
    }
    for (owner in calls)
        if (calls[owner] + heads[owner] == members[owner] && class[owner] != "sized")
            offence(owner, "a table that does not begin with uint32_t size")
    for (name in type_of) {
        if (name !~ /^gyre_plugin\./ || type_of[name] ~ /\(\*\)/) continue
        if (!match(type_of[name], /struct gyre_[a-z_0-9]+ \*/)) continue
        owner = substr(type_of[name], RSTART + 7, RLENGTH - 9)
        if (class[owner] !~ /^(sized|rows)$/)
            offence(name, "struct " owner " has neither uint32_t size nor a size of its rows")
    }
}
