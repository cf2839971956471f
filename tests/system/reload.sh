#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An edited file: only its section changes, without a new process, and open connections keep what
# they began with. The file alone does it, and SIGHUP, and gyrectl reload.
. "$(dirname "$0")/lib.sh"
ports a b c
plugins echo
tell tell.so
server "workers = 2" "drain_time = 20s"
section() { # section PORT GREETING
    conf 30-tell.ini <<<"[tell]
listen = tcp:localhost:$1
greeting = $2"
}
section "$a" first
conf 40-echo.ini <<<"[echo]
listen = tcp:localhost:$b"
start
tells() { # tells PORT: the greeting of a new connection there
    local fd status
    dial fd "$1" 2>/dev/null || return 1
    asks "$fd" greeting
    status=$?
    hang_up "$fd"
    return $status
}
greets() { [ "$(tells "$1")" = "$2" ]; }
refused() { ! dial nobody "$1" 2>/dev/null; }

dial old "$a"
dial other "$b"
same "the first greeting" first "$(asks "$old" greeting)"
before=$(services)
section "$a" second
holds "the file alone changes new connections" within 3 greets "$a" second
same "an open one keeps what it began with" first "$(asks "$old" greeting)"
same "another section is untouched" still "$(asks "$other" still)"
same "no process was started or ended" "$before" "$(services)"

section "$a" third
kill -HUP "$PID"
holds "SIGHUP" within 3 greets "$a" third
section "$a" fourth
holds "gyrectl reload" ctl reload
same "is done when it returns" fourth "$(tells "$a")"
holds "reload without a change is fine" ctl reload

section "$c" fifth
holds "another port" ctl reload
same "is served" fifth "$(tells "$c")"
holds "and the one before is not" within 3 refused "$a"
same "a connection that came by it lives on" first "$(asks "$old" greeting)"

conf 50-more.ini <<<"[tell more]
listen = tcp:localhost:$a
greeting = more"
holds "a second section of the plugin" ctl reload
same "serves beside the first" "more fifth" "$(tells "$a") $(tells "$c")"
rm "$T/conf.d/50-more.ini"
holds "taken away" ctl reload
holds "it is gone" within 3 refused "$a"
same "the first stays" fifth "$(tells "$c")"

# One that is asked for while another is made comes right after it, and waits for nobody. What is
# changed is not seen by watching the folder, and `log_says` asks the server nothing.
ports d
ln -s "$T/linked" "$T/conf.d/60.ini"
linked() { # linked GREETING: and told so
    printf '[tell linked]\nlisten = tcp:localhost:%s\ngreeting = %s\n' "$d" "$1" >"$T/linked"
    kill -HUP "$PID"
    ctl status >/dev/null # signals are taken before requests
}
linked sixth
holds "a file that is linked to" ctl reload
: >"$LOG" # the server appends
pid=$(service tell)
kill -STOP "$pid"
linked seventh
linked eighth
kill -CONT "$pid"
holds "asked for while another change is made, one follows it" log_says 'changed in' 2
same "with what is new" eighth "$(tells "$d")"

sed -i 's/workers = 2/workers = 3/' "$T/conf.d/10-server.ini"
holds "another number of workers" ctl reload
same "serves on" fifth "$(tells "$c")"
same "while an old connection lives on" first "$(asks "$old" greeting)"
hang_up "$old"
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
