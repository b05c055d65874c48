# scantide run: a log that is truncated is read from its beginning; a copy of what it was gives what hadn't been read.

load run-helper

@test "truncated in place: said with its number" {
    lines 1 100 >log
    start
    until_true has_events 100
    size=$(stat -c %s log)
    : >log
    until_true says 1 "$PWD/log: was truncated when it had been read up to byte $size; 0 bytes"
    cp /dev/null before
    lines 101 150 >>log
    until_true has_events 150
    stop
    grep -q 'ended: 150 lines: 150 events, .*; 1 truncations with 0 bytes unread$' said
    lines 1 100 >before
    same_as_import before log
}

truncated() { # N: the gaps that are told
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv \
        "SELECT count(*) FROM coverage WHERE state = 'truncated' AND input = '$PWD/log' AND sensor = 'gw'" | tail -n 1)" = "$1" ]
}

@test "without a copy it is a gap; with one, or a rename, it is none" {
    lines 1 100 >log
    start
    until_true has_events 100
    cp log log.1 && : >log && lines 101 200 >>log
    until_true has_events 200
    stop
    mv log.1 log.2 && mv log log.1 && lines 201 300 >log
    start
    until_true has_events 300
    truncated 0
    : >log
    until_true says 2 "$PWD/log: was truncated"
    lines 301 400 >>log
    until_true has_events 400
    stop
    truncated 1
    lines 401 500 >>log && lines 501 600 >log # while it is down
    start
    until_true has_events 500
    stop
    grep -q "$PWD/log: what was read of it before is gone, and no copy of it is beside it" said
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv \
        "SELECT substr(first, 12) FROM coverage WHERE state = 'truncated'" | sed -n 2p)" = 00:01:20 ]
}

@test "truncated and grown beyond what was read, before anybody looked" {
    lines 1 10 >log
    start
    until_true has_events 10
    lines 1000 1999 >log
    until_true has_events 1010
    stop
    lines 1 10 >before
    same_as_import before log
}

@test "copied and truncated, again and again, also what only the copy has" {
    lines 1 100 >log
    start
    until_true has_events 100
    lines 101 200 >>log
    cp log log.1 && : >log
    lines 201 300 >>log
    until_true has_events 300
    lines 301 350 >>log
    mv log.1 log.2 && cp log log.1 && : >log
    until_true has_events 350
    lines 351 1000 >>log
    until_true has_events 1000
    stop
    same_as_import log.2 log.1 log
}

@test "copied and truncated while it was down" {
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    lines 101 200 >>log
    cp log log.1 && : >log
    lines 201 250 >>log
    start
    until_true has_events 250
    stop
    same_as_import log.1 log
}
