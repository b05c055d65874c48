# Two daemons on one data folder would be in each other's way: the second says so and ends.

load run-helper

@test "the second instance is refused, the first goes on" {
    lines 1 10 >log
    start
    until_true has_events 10
    run --separate-stderr timeout 10 "$SCANTIDE" run --config conf.yaml
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ ${stderr_lines[-1]} == "$PWD/data: another 'scantide run' keeps its facts here"*"--data" ]]
    lines 11 20 >>log
    until_true has_events 20
    kill -9 "$daemon"
    wait "$daemon" || true
    start # the dead one's lock is no lock
    until_true says 3 "$PWD/log: \|facts are kept"
    stop
}

@test "mistakes are said before anything begins" {
    mkdir folder
    configure folder
    run --separate-stderr "$SCANTIDE" run --config conf.yaml
    [ "$status" -eq 2 ]
    [[ ${stderr_lines[-1]} == "$PWD/folder: "* ]]
    configure log
    run --separate-stderr "$SCANTIDE" run --config conf.yaml -
    [ "$status" -eq 2 ]
    [[ $stderr == *"scantide import -"* ]]
    run --separate-stderr "$SCANTIDE" run --config conf.yaml --sensor gw
    [ "$status" -eq 2 ]
    run --separate-stderr "$SCANTIDE" run --config conf.yaml --timezone Middle/Earth log
    [ "$status" -eq 2 ]
    [[ $stderr == *"Middle/Earth: no such time zone"* ]]
    run --separate-stderr "$SCANTIDE" run --config conf.yaml log log
    [ "$status" -eq 2 ]
    [[ $stderr == *"named twice"* ]]
    run --separate-stderr "$SCANTIDE" run --help
    [ "$status" -eq 0 ]
    [[ $output == "scantide run - "* ]]
}
