# scantide status: from the daemon, from the facts when it is down; exit 1 when something needs a person.

load run-helper

status() {
    "$SCANTIDE" status --config conf.yaml "$@"
}

@test "a running daemon tells of its inputs; all is well" {
    now_lines 1 10 >log
    start
    until_true has_events 10
    run -0 status
    [[ $output == *"Daemon    runs since"* ]]
    [[ $output == *"10 lines: 10 events, 0 ignored, 0 unmatched, 0 lost"* ]]
    [[ $output == *"at byte $(stat -c %s log) of $(stat -c %s log)"* ]]
    [[ $output == *"gw: 10 events in 24 hours"* ]]
    [[ $output == *"All is well."* ]]
    [ "$(status --json | jq -r '.inputs[0] | "\(.events) \(.lag_s) \(.fault)"')" = "10 0 null" ]
    stop
}

@test "no daemon: the facts tell, and somebody is needed" {
    now_lines 1 10 >log
    start
    until_true has_events 10
    stop
    now_lines 11 12 >>log
    run -1 status
    [[ $output == *"isn't running"* ]]
    [[ $output == *"Needs you no 'scantide run' is running"* ]]
    [ "$(status --json | jq -r '.inputs[0].size - .inputs[0].offset > 0')" = true ]
}

@test "an input that no parser knows needs somebody" {
    now_lines 1 10 >log
    start
    until_true has_events 10
    for i in $(seq 300); do echo "nothing $i"; done >other
    configure log other
    kill -HUP "$daemon"
    until_true says 1 'the configuration is taken over'
    until_true needs_somebody
    run -1 status
    [[ $output == *"other: no parser knows any of its lines"* ]]
    stop
}

needs_somebody() {
    ! status >/dev/null
}

@test "a data folder with a long path" {
    long=$(printf 'x%.0s' {1..120})
    mkdir "$long"
    sed -i "s#^data: .*#data: $PWD/$long#" conf.yaml
    now_lines 1 10 >log
    start
    until_true [ -S "$long/control.sock" ]
    until_true has_events_there 10
    status | grep -q 'runs since'
    stop
    [ ! -e "$long/control.sock" ]
}

has_events_there() {
    [ "$(events "$PWD/$long")" -ge "$1" ]
}

# As lines, but of the last minutes.
now_lines() {
    lines "$1" "$2" | awk -v now="$(date +%s)" '{ $1 = strftime("%b", now - 60); $2 = strftime("%d", now - 60); $3 = strftime("%H:%M:%S", now - 60); print }'
}
