# SPDX-License-Identifier: GPL-3.0-or-later
# abi_compare.awk - from two records of the SDK, the released one first, and its CHANGELOG.md to
# what is wrong with the difference: "FAIL abi: …" lines.
#
# The changelog counts from its top to the heading of the release. after: the release is 1.0 or
# newer, so that only growth at the end is allowed; growth: "host" structs may also fill a hole.

BEGIN { heading = 0 }
FILENAME ~ /CHANGELOG\.md$/ {
    if ($1 == "##" && $2 == release) heading = 1
    if (heading) next
    rest = $0
    while (match(rest, /`[^`]+`/)) {
        name = substr(rest, RSTART + 1, RLENGTH - 2)
        sub(/\(.*/, "", name)
        told[name] = 1
        rest = substr(rest, RSTART + RLENGTH)
    }
    next
}
/^#/ { next }
{
    key = $1
    if ($1 ~ /^(struct|enum|macro|function|type|variable)$/) {
        key = $2
        sub(/\(.*/, "", key)
    }
    if (FILENAME == before) {
        old[key] = $0
        if ($2 == "at") {
            owner = substr(key, 1, index(key, ".") - 1)
            end_of[owner] = $3 + $5
        }
        if ($1 == "struct") size_of[key] = $4
    } else {
        new[key] = $0
        order[++n] = key
    }
}

# May this be after 1.0? "" or why not.
function refusal(key,   was, now, owner) {
    if (!(key in new)) return "was removed"
    split(new[key], now, " ")
    owner = substr(key, 1, index(key, ".") - 1)
    if (key in old) {
        split(old[key], was, " ")
        if (key == "GYRE_MINOR" && now[4] > was[4]) return ""
        if (now[1] != "struct" || was[1] != "struct") return "was changed"
        if (was[7] != now[7] || was[6] != now[6]) return "aligns or grows otherwise"
        if (now[4] < was[4]) return "shrank"
        return now[7] == "fixed" ? "may not grow" : ""
    }
    if (now[2] != "at" || !(owner in size_of)) return ""
    split(old[owner], was, " ")
    if (was[7] == "fixed") return "is new in a struct that may not grow"
    if (now[3] < (was[7] == "host" ? end_of[owner] : size_of[owner]))
        return "is new, and not at the end"
    return ""
}
function squeeze(line) { gsub(/ +/, " ", line); return line }
function judge(key,   owner, member, why, what) {
    owner = key
    member = key
    if (index(key, ".")) {
        owner = substr(key, 1, index(key, ".") - 1)
        member = substr(key, index(key, ".") + 1)
    }
    what = key in old ? "was: " squeeze(old[key]) : "is new"
    if (key in new) what = what "; is: " squeeze(new[key])
    if (after) {
        why = refusal(key)
        if (why != "") print "FAIL abi: " key ": " why " since " release ": " what
        else if (key != "GYRE_MINOR") grown++
    }
    # A struct is larger because of a member, which must be told. A member of a struct has no name
    # of its own: `send` says nothing.
    if (what ~ /^was: struct .* is: struct /) return
    if (!(owner in told) && !(key in told) && !(member ~ /^GYRE_/ && member in told))
        print "FAIL abi: " key ": sdk/CHANGELOG.md does not name it above " release ": " what
}

END {
    if (!heading) print "FAIL abi: sdk/CHANGELOG.md has no heading ## " release
    for (i = 1; i <= n; i++)
        if (!(order[i] in old) || old[order[i]] != new[order[i]]) judge(order[i])
    for (key in old) if (!(key in new)) judge(key)
    if (grown && old["GYRE_MINOR"] == new["GYRE_MINOR"])
        print "FAIL abi: GYRE_MINOR: it rises when something is new"
}
