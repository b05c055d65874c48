# scantide run: a log that is renamed away is read to its end, then the new one; nothing is lost however often.

load run-helper

@test "renamed, with a writer that holds on to the old file" {
    lines 1 100 >log
    start
    until_true has_events 100
    exec 7>>log
    lines 101 150 >&7
    mv log log.1
    lines 151 200 >&7
    lines 201 300 >log
    until_true has_events 300
    lines 301 320 >&7 # still
    exec 7>&-
    until_true has_events 320
    stop
    same_as_import log.1 log
}

@test "twice within a tick" {
    lines 1 100 >log
    start
    until_true has_events 100
    lines 101 110 >>log
    mv log log.1 && lines 111 120 >log
    mv log.1 log.2 && mv log log.1 && lines 121 130 >log
    mv log.2 log.3 && mv log.1 log.2 && mv log log.1 && lines 131 140 >log
    until_true has_events 140
    stop
    same_as_import log.3 log.2 log.1 log
}

@test "again and again, the new file empty at first" {
    lines 1 10 >log
    start
    until_true has_events 10
    for i in 1 2 3; do
        [ ! -e log.1 ] || cat log.1 >>before
        mv log log.1
        : >log
        lines $((i * 10 + 1)) $((i * 10 + 10)) >>log
        until_true has_events $((i * 10 + 10))
    done
    stop
    same_as_import before log.1 log
}

@test "while it is down, also more than once" {
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    lines 101 150 >>log
    mv log log.1 && lines 151 200 >log
    mv log.1 log.2 && mv log log.1 && lines 201 250 >log
    start
    until_true has_events 250
    stop
    grep -q "$PWD/log.2: reads on at byte" said
    same_as_import log.2 log.1 log
}
