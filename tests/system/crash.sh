#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What is known of a crash: one report, in the log, as a file and for gyrectl, which says where and
# for whom; text of a peer is escaped; what no handler sees is told as well.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo
tell tell.so
server "workers = 2" "stay_time = 1ms"
conf 40.ini <<END
[echo]
listen = tcp:localhost:$b
END
# Each change says that earlier crashes mean nothing.
section() {
    conf 30.ini < <(printf '%s\n' '[tell]' "listen = tcp:localhost:$a" "greeting = $1")
    ctl reload >/dev/null 2>&1
}
section first
start
reports() { find "$T/run/crashes" -name '*.txt' 2>/dev/null | sort; }
report() { cat "$(reports | tail -n 1)"; }

# dies WORD HOW WHERE: it is told once, with that signal, and that is in the report
dies() {
    local seat before
    holds "$1: a change is taken" section "$1"
    before=$(reports | wc -l)
    dial seat "$a"
    : >"$LOG"
    printf '%s\n\x1b[2Jbeyond\n' "$1" | cat >&"$seat" # at once
    holds "$1: its connection ends" ended "$seat"
    hang_up "$seat"
    holds "$1: the report is there" log_says 'all that is known: '
    same "$1: it is told once" 1 "$(grep -cE 'tell/[0-9]+ crashed' "$LOG")"
    same "$1: there is one file" $((before + 1)) "$(reports | wc -l)"
    like "$1: the log says how" "service tell/[0-9]+ crashed: $2" "$(cat "$LOG")"
    like "$1: in which callback, for whom" \
        'in on_data of \[tell\], plugin tell, peer 127\.0\.0\.1:[0-9]+, connection [0-9a-f]+' \
        "$(cat "$LOG")"
    like "$1: and with which bytes, escaped" \
        "it had [0-9]+ bytes: $1"'\\x0a\\x1b\[2Jbeyond\\x0a$' "$(cat "$LOG")"
    like "$1: the file says the same" "crashed: $2" "$(report)"
    like "$1: and where it stood" "$3" "$(report)"
    same "$1: the file is the user's alone" 600 "$(stat -c %a "$(reports | tail -n 1)")"
}
own='(at|called from) tell\.so\+0x[0-9a-f]+'
symbols=' \((on_data|misbehaves|deep|crash|spin|crash.*|misbehaves.*)\)'
dies crash 'SIGSEGV' "$own$symbols"
dies nowhere 'SIGSEGV' "$own$symbols"
dies deep 'SIGSEGV' "$own$symbols"
dies bug 'SIGABRT' "$own$symbols"
like "bug: what the host said of it" 'it said: gyre->timer: slot 99 of 0' "$(report)"
like "the file has the command that names the lines" \
    "^addr2line -Cfipe $T/run/plugins/tell\.[0-9a-f]{16}\.so( 0x[0-9a-f]+)+\$" "$(report)"

# SIGKILL: what the workers were doing.
section kill
: >"$LOG"
kill -KILL "$(service tell)"
holds "a kill is reported" log_says 'all that is known: '
like "with what each worker did" 'worker 0 was idle, worker 1 was idle' "$(report)"

# As it drains.
section late
dial seat "$a"
same "one will crash when it is told to leave" late "$(asks "$seat" late)"
: >"$LOG"
sed -i 's/^greeting.*/greeting = other/' "$T/conf.d/30.ini"
tell tell.so -DCODE='"two"'
holds "a crash while it drains is reported" log_says 'while it drained, crashed: SIGSEGV'
like "with its callback" 'in on_leave of \[tell\]' "$(cat "$LOG")"
served() { [ "$(talk "$a" 'code\nquit\n' | head -n 1)" = two ]; }
holds "the new process serves" within 5 served

# In on_load: of a plugin that is put in place, which is rolled back.
: >"$LOG"
tell tell.so -DLOAD_FAULT
holds "a crash in on_load is reported" log_says 'all that is known: ' 1 10
like "with its section" 'in on_load of \[tell\], plugin tell' "$(cat "$LOG")"
holds "what served serves on" within 5 served

# The last 16 are kept.
for i in {10..29}; do : >"$T/run/crashes/200001${i}T000000.000-old-1.txt"; done
section more
newest=$(reports | tail -n 1)
: >"$LOG"
kill -SEGV "$(service tell)"
holds "another one" log_says 'all that is known: '
same "of many files 16 are kept" 16 "$(reports | wc -l)"
holds "the newer ones" test -e "$newest"

said=$(ctl crashes)
like "gyrectl crashes has a table" '^WHEN .* SERVICE' "$said"
like "with callback, section and peer" \
    'tell/1 +crashed: SIGSEGV .* on_data +tell +127\.0\.0\.1:[0-9]+ +tell\.so\+0x' "$said"
like "as JSON, too" '"callback": "on_data", "peer": "127\.0\.0\.1:[0-9]+"' "$(ctl --json crashes)"
same "the other service was never touched" on "$(talk "$b" 'on\n')"
like "and has not crashed" '"name": "echo".*"restarts": 0' "$(ctl --json status | tr '}' '\n')"
stop
same "it stops with 0" 0 "$STATUS"
