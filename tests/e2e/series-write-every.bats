# write_every: 1h: the daemon writes the series in batches of hours, and a chart doesn't wait for the next.

load run-helper

last() { # FILE
    rrdtool last "data/rrd/gw/$1"
}

is_written() {
    [ -e data/rrd/gw/total.rrd ] && [ "$(($(last total.rrd) % 3600))" -eq 0 ] &&
        [ "$(last total.rrd)" -gt "$(($(date +%s) - 3700))" ]
}

@test "a chart brings what it draws up to date" {
    "$SCANTIDE" simulate --days 1 --rate 0.1 --seed 3 --end "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >log
    echo 'series: {write_every: 1h}' >>conf.yaml
    start
    until_true is_written
    before=$(last port/23-tcp.rrd)
    now=$(date +%s)
    "$SCANTIDE" graph total --config conf.yaml --last 6h -o total.svg 2>/dev/null
    [ "$(last total.rrd)" -ge "$((now - now % 300 - 300))" ]
    # The others wait for their batch, or for the end.
    [ "$(last port/23-tcp.rrd)" -eq "$before" ] || [ "$((now % 3600))" -gt 3590 ]
    stop
    [ "$(last port/23-tcp.rrd)" -ge "$((now - now % 300))" ]
}
