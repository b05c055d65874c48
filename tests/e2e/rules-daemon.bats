#!/usr/bin/env bats
# Rules and the daemon: it takes the configured ones over when it starts, and counts by those that the facts hold.

load run-helper

exclude() { # NETWORK...
    configure
    printf 'exclude: [%s]\n' "$(IFS=,; echo "$*")" >>conf.yaml
}

total() { # OPTION...
    "$SCANTIDE" top ports --config conf.yaml --all -n 0 --format csv "$@" 2>/dev/null | awk -F, 'NR > 1 { n += $3 } END { print n + 0 }'
}

drawn() { # what the total's RRD holds
    rrdtool fetch data/rrd/gw/total.rrd AVERAGE -r 300 -s "$1" -e "$2" |
        awk '$2 ~ /[0-9]/ { n += $2 * 300 } END { printf "%.0f", n }'
}

@test "a start takes them over, and what comes then is counted by them" {
    lines 1 300 >log
    start
    until_true has_events 300
    stop
    exclude 198.52.0.0/16
    start
    until_true says 1 'exclusions and scanners have changed, 100 events are counted anew; they reach back to .*, the first of the facts'
    lines 301 600 >>log
    until_true has_events 400
    stop
    [ "$(total)" -eq 400 ]
    [ "$(total --with-excluded)" -eq 600 ]
    configure
    start
    until_true says 1 'have changed, 200 events'
    until_true has_events 600
    stop
    same_as_import log
}

@test "an import beside it leaves the daemon's in force" {
    exclude 198.52.0.0/16
    lines 1 300 >log
    start
    until_true has_events 200
    lines 301 600 | sed 's/gw/other/' >more
    "$SCANTIDE" import --data "$PWD/data" --config /dev/null more >/dev/null 2>import.said
    grep -q "aren't those of the running daemon, which hold: start it again to change them" import.said
    [ "$(total)" -eq 400 ]
    [ "$(total --with-excluded)" -eq 600 ]
    stop
}

@test "rules that change beneath it are those that it counts by from then on" {
    lines 1 300 >log
    start
    until_true has_events 300
    # Put in by hand, so without moving what is counted.
    command -v sqlite3 >/dev/null || skip "no sqlite3"
    sqlite3 -cmd ".timeout 10000" data/facts.db "INSERT INTO rule (number, place, generation, kind, name, networks) VALUES (1, 0, 1, 'exclude', 'exclude', '198.53.0.0/16')"
    lines 301 600 >>log
    until_true eval '[ "$(total --with-excluded)" -eq 600 ]'
    [ "$(total)" -eq 500 ]
    stop
}

@test "charts follow" {
    lines 1 3000 >log # ten minutes and more
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    [ "$(drawn 1795478100 1795479300)" -eq 3000 ]
    exclude 198.52.0.0/16 198.53.0.0/16
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    [ "$(drawn 1795478100 1795479300)" -eq 1000 ]
    configure
    start
    until_true eval '[ "$(drawn 1795478100 1795479300)" -eq 3000 ]'
    stop
}
