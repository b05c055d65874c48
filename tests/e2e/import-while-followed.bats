# Two at one log at the same time: whoever comes second to a line sees that it is counted, and counts it no more.

load run-helper

import() {
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>>imports 3>&-
}

@test "three imports of one log at once" {
    lines 1 40000 >log
    for i in 1 2 3; do
        import &
    done
    wait
    same_as_import log
}

@test "imported while the daemon has lines of it that aren't committed yet" {
    lines 1 100 >log
    start
    until_true has_events 100
    for ((i = 1; i <= 50; i++)); do
        lines $((i * 100 + 1)) $((i * 100 + 100)) >>log
        sleep 0.0$((i % 10))
        import
        ! says 1 'another scantide took in lines of it' || break
    done
    says 1 'another scantide took in lines'
    lines $((i * 100 + 101)) 6000 >>log # it goes on
    until_true has_events 6000
    stop
    same_as_import log
}
