#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Receive buffers of the real kernels under AddressSanitizer: a plugin that reads past what came, or
# keeps a view after its callback, dies at once.
. "$(dirname "$0")/lib.sh"
grep -q __asan_poison_memory_region "$BUILD/gyre" ||
    { skip "only AddressSanitizer sees it"; exit 0; }
ports a
plugin_put "$BUILD/tests/plugins/greedy.so" greedy.so
conf 30.ini <<END
[greedy]
listen = tcp:localhost:$a
listen = udp:localhost:$a
END

# reads SOURCE WORD: the plugin obeys, and dies of it
reads() {
    local what="$1, $2" answer=line seat
    : >"$LOG"
    if [ "$1" = tcp ]; then dial seat "$a"
    else answer=datagram && exec {seat}<>"/dev/udp/127.0.0.1/$a"; fi
    printf 'mine\n' >&"$seat"
    same "$what: what came may be read" mine "$($answer "$seat")"
    printf '%s\n' "$2" >&"$seat"
    holds "$what: more may not" log_says 'use-after-poison'
    holds "$what: the service has died" log_says 'was not asked to' 1 30
    hang_up "$seat"
}
server "workers = 1"
start
for word in past later; do
    for source in tcp udp; do reads $source $word; done
done
stop
same "it stops with 0" 0 "$STATUS"
: >"$LOG" # nobody else is to find it
