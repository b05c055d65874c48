# Killed after the facts were committed and before the RRDs were written: the next start writes them, and counts nothing twice.
# The lock of the series holds the writer up in between, for as long as it takes to kill it.

load run-helper

hold_series() {
    mkdir -p data
    exec 8>>data/series.lock
    flock 8
}

let_series_go() {
    exec 8>&-
}

drawn() {
    local from to
    from=$(date -d "$(head -n 1 log | cut -c 1-15)" +%s)
    to=$(rrdtool last data/rrd/gw/total.rrd)
    rrdtool fetch data/rrd/gw/total.rrd AVERAGE -r 300 -s "$((from / 300 * 300 - 300))" -e "$to" |
        awk 'NF > 1 && $2 ~ /[0-9]/ { n += $2 * 300 } END { printf "%.0f\n", n }'
}

import=(import --config conf.yaml --sensor gw --timezone UTC log)
hour=$(date -u -d '-2 hours' '+%b %e %H')

lately() { # FROM TO
    lines "$1" "$2" | sed "s/^Nov 24 00/$hour/"
}

@test "an import" {
    lately 1 1000 >log
    "$SCANTIDE" "${import[@]}"
    lately 1001 3000 >>log
    hold_series
    "$SCANTIDE" "${import[@]}" 3>&- 8>&- &
    importing=$!
    until_true has_events 3000
    kill -9 "$importing"
    wait "$importing" || true
    let_series_go
    [ "$(drawn)" -eq 1000 ]
    "$SCANTIDE" "${import[@]}"
    [ "$(events)" -eq 3000 ]
    [ "$(drawn)" -eq 3000 ]
    same_as_import log
}

@test "the daemon" {
    lately 1 1000 >log
    hold_series
    start 8>&-
    until_true has_events 1000
    kill -9 "$daemon"
    wait "$daemon" || true
    let_series_go
    [ ! -e data/rrd/gw/total.rrd ]
    lately 1001 3000 >>log
    start
    until_true has_events 3000
    stop
    [ "$(drawn)" -eq 3000 ]
    same_as_import log
}
