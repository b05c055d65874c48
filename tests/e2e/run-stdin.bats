# A pipe is read until it ends; nothing of it is lost at SIGTERM.

load run-helper

@test "a pipe is read to its end, an unfinished last line included, and the daemon ends" {
    lines 1 20000 >log
    { head -c -1 log; } | "$SCANTIDE" run --config conf.yaml --sensor gw --timezone UTC - 2>said
    [ "$(events)" -eq 20000 ]
    grep -q 'ended: 20000 lines: 20000 events' said
    same_as_import log
}

@test "SIGTERM: what the pipe holds is taken in" {
    mkfifo pipe
    exec 8<>pipe
    "$SCANTIDE" run --config conf.yaml --sensor gw --timezone UTC - <pipe 2>said 3>&- 8>&- &
    daemon=$!
    lines 1 100 >&8
    until_true has_events 100
    kill -STOP "$daemon"
    lines 101 300 >&8
    kill -TERM "$daemon"
    kill -CONT "$daemon"
    wait "$daemon"
    daemon=
    [ "$(events)" -eq 300 ]
}

@test "a line longer than the buffer is lost, and counted" {
    { lines 1 5; head -c 400000 /dev/zero | tr '\0' x; echo; lines 6 10; } |
        "$SCANTIDE" run --config conf.yaml --sensor gw --timezone UTC - 2>said
    grep -q 'ended: 11 lines: 10 events, 0 ignored, 0 unmatched, 1 lost' said
}

@test "a file at stdin is the user's mistake" {
    lines 1 5 >log
    run "$SCANTIDE" run --config conf.yaml --sensor gw - <log
    [ "$status" -eq 2 ]
    [[ $output == *"'scantide import -'"* ]]
}
