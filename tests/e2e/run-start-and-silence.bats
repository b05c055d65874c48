# start: end takes only what comes; silence: an input that is never quiet is blind when it is.

load run-helper

keys() { # KEYS: of the one input
    printf 'data: %s/data\ncommit_every: 1s\nlate: 0s\ninputs:\n  - {file: "%s/log", sensor: gw, timezone: UTC, %s}\n' \
        "$PWD" "$PWD" "$1" >conf.yaml
}

@test "start: end begins behind the last whole line, once" {
    keys 'start: end'
    lines 1 100 >log
    printf 'Nov 24 00:00:30 gw kernel: an unfinished' >>log
    start
    until_true says 1 'log: new, is read from its end at byte'
    printf ' line\n' >>log
    lines 101 110 >>log
    until_true has_events 10
    stop
    lines 111 120 >>log
    start
    until_true says 1 'log: reads on at byte'
    until_true has_events 20
    stop
    [ "$(events)" -eq 20 ]
}

@test "start: end is remembered without a line, and a file that comes later is read from its beginning" {
    keys 'start: end'
    lines 1 100 >log
    start
    until_true says 1 'log: new, is read from its end at byte'
    sleep 1.5 # a commit
    stop
    lines 101 110 >>log
    start
    until_true has_events 10
    mv log log.1
    lines 201 210 >log
    until_true has_events 20
    stop
    [ "$(events)" -eq 20 ]
}
