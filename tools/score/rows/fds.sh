#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The limit of descriptors is reached: accepting pauses, who is connected notices nothing, and when
# there is room again those who waited are served.
. "$(dirname "$0")/../lib.sh"
ports a
plugins http
site
most=200 crowd=600
server "workers = 2"
conf 30.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
END
RUN_BY=(prlimit --nofile=$most:$most)
start
RUN_BY=()
load busy http_load "$a" /page "$T/www/page" keep 16 200
reached busy 100 || give_up "no load"
hits() { # of the limit of descriptors, of all sections
    ctl --json status | grep -o '"hit_fds": [0-9]*' | awk '{ n += $2 } END { print n + 0 }'
}
[ "$(hits)" = 0 ] || say "the limit was hit before the crowd came"

# Two crowds: one is connected at once, and takes all there is; of those who come after it, none is.
crowd_comes() {
    load crowd hold "$a" /page 0 $crowd
    within 20 reached_limit
}
reached_limit() { [ "$(hits)" -gt 0 ]; }
under_load 100 crowd_comes || give_up "the limit was not reached"
streams=$(ctl --json status | grep -o '"streams": [0-9]*' | head -n 1 | grep -o '[0-9]*')
LOADS=(busy)
load waits http_load "$a" /page "$T/www/page" once 4 0
LOADS=(busy)
under_load "$REQUESTS" true || give_up "the established do not go on"
waited=$(progress waits 1)
service=$(service http)
say "$streams streams at the limit; $waited answers to who came later"
LOADS=(busy crowd)
end_load crowd || give_up "the crowd has no counts"
reached waits $((waited + 1000)) || give_up "accepting does not resume"
LOADS=(waits busy)
end_load waits || give_up "no counts of who waited"
waits=$(failures "$COUNTS") asked=$(field asked "$COUNTS")
end_load busy || give_up "no counts of the established"
judge "descriptors at $most, $crowd come: established clients' requests failed" 0 \
    "$(failures "$COUNTS") of $(field asked "$COUNTS")" test "$(failures "$COUNTS")" = 0
judge "accepting paused, and resumed" "0 failed" \
    "at $streams streams; of who came later $waits of $asked failed, $waited answered meanwhile" \
    test "$waits-$waited" = 0-0
judge "the same process" yes "$(alive && [ "$service" = "$(service http)" ] && echo yes)" alive
