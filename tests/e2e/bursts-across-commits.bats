# Bursts: an import on any number of threads, a daemon and one that is killed tell the same of them.

load run-helper

# 600 lines in 100 s from one source to one target, its source ports in steps of 3, among others.
flood() {
    awk 'BEGIN {
        for (i = 0; i < 600; i++) {
            s = 3550 + int(i / 6)
            printf "Nov 24 %02d:%02d:%02d gw kernel: DROP IN=eth0 OUT= SRC=203.0.113.9 DST=192.0.2.7 LEN=40 TTL=244 ID=%d PROTO=TCP SPT=%d DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n",
                s / 3600, s / 60 % 60, s % 60, i, 1000 + 3 * i
        }
    }'
}

bursts() { # DATA
    "$SCANTIDE" sql --data "$1" --format csv \
        "SELECT kind, first, last, events, peak, source, target, port, source_port_step FROM bursts ORDER BY kind" | tail -n +2
}

@test "a flood over the hour is one burst, however it is taken in" {
    { lines 1 20000; flood; } | sort -s -k3,3 >log
    year=$(date +%Y)
    [ "$(date -d "$year-11-24 02:00" +%s)" -le "$(date +%s)" ] || year=$((year - 1))
    "$SCANTIDE" import --data whole --sensor gw --timezone UTC log >/dev/null 2>&1
    diff - <(bursts whole) <<END
flood,$year-11-24 00:59:10,$year-11-24 01:00:49,600,6,203.0.113.9,192.0.2.7,23/tcp,
sequential,$year-11-24 00:59:10,$year-11-24 01:00:49,600,6,203.0.113.9,192.0.2.7,23/tcp,3
END
    split -n l/8 log part.
    : >log
    start
    for part in part.*; do
        cat "$part" >>log
        until_true has_events "$(wc -l <log)"
        kill -9 "$daemon"
        wait "$daemon" || true
        start
    done
    until_true says 8 "reads on"
    stop
    diff <(bursts whole) <(bursts data)
}
