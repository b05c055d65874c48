# scantide run while the clock is set a day ahead, back, a day behind and right again: facts and RRDs are exact in the end,
# and the RRDs go on while it runs. Needs the build of `make faults`, whose clock can be set.

load run-helper

clock_build=${FAULTS:-$BATS_TEST_DIRNAME/../../build/faults/scantide}

# The lines of seconds FROM to TO before now, one a second.
lately() {
    awk -v from="$1" -v to="$2" -v now="$now" 'BEGIN {
        for (i = from; i > to; i--)
            print strftime("%b %e %H:%M:%S", now - i, 1), "gw kernel: [1.0] DROP IN=eth0 OUT= SRC=198.51.100." i % 250 " DST=192.0.2.1 LEN=40 TTL=244 ID=" i " PROTO=TCP SPT=" i " DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0"
    }'
}

# From the first line's bin to the end of the last that is over, as long as the RRD has it.
drawn() {
    rrdtool fetch data/rrd/gw/total.rrd AVERAGE -r 300 -s "$(((now - 3600) / 300 * 300))" -e "$now" 2>/dev/null |
        awk 'NF > 1 && $2 ~ /[0-9]/ { n += $2 * 300 } END { printf "%.0f\n", n }'
}

has_drawn() { # N
    [ "$(drawn)" -ge "$1" ]
}

@test "a day ahead, back, a day behind, and right again" {
    [ -x "$clock_build" ] || skip "no build of make faults"
    SCANTIDE=$clock_build
    export SCANTIDE_CLOCK=$PWD/clock
    now=$(($(date +%s) / 300 * 300))
    echo 0 >clock
    lately 3000 2500 >log
    start
    until_true has_drawn 500
    echo 86400 >clock
    lately 2500 2000 >>log
    until_true has_events 1000
    echo 87600 >clock # late lines are drawn after a quarter of an hour
    until_true has_drawn 1000
    echo 0 >clock
    lately 2000 1500 >>log
    until_true has_events 1500
    echo 1200 >clock
    until_true has_drawn 1500
    echo -86400 >clock
    lately 1500 1000 >>log
    until_true has_events 2000
    echo 2400 >clock
    lately 1000 300 >>log
    until_true has_events 2700
    echo 3600 >clock
    until_true has_drawn 2700
    stop
    same_as_import log
    [ "$(drawn)" -eq 2700 ]
}
