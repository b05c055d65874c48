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

@test "after a crash nobody watched from its last commit on, after an end from that on" {
    piped() {
        "$SCANTIDE" run --config conf.yaml --sensor gw --timezone UTC - <pipe 2>>said 3>&- 8>&- &
        daemon=$!
    }
    states() {
        "$SCANTIDE" sql --config conf.yaml --format csv "SELECT DISTINCT state FROM coverage WHERE input = 'stdin'" | tail -n +2 | sort | xargs
    }
    now() { # FROM TO: lines of this second
        lines "$1" "$2" | sed "s/^.\{15\}/$(date -u '+%b %e %T')/"
    }
    state_is() { [ "$(states)" = "$1" ]; }
    mkfifo pipe
    exec 8<>pipe
    piped
    now 1 100 >&8
    until_true has_events 100
    kill -9 "$daemon"
    wait "$daemon" || true
    sleep 2 # a whole second that nobody watched
    piped
    until_true state_is crashed
    now 101 200 >&8
    until_true has_events 200
    stop
    sleep 2
    piped
    until_true state_is "crashed stopped"
    stop
}

@test "a burst goes on where a pipe was ended in the middle of it" {
    flood() { # FROM TO
        awk -v from="$1" -v to="$2" 'BEGIN {
            for (i = from; i < to; i++)
                printf "Nov 24 00:%02d:%02d gw kernel: DROP IN=eth0 OUT= SRC=203.0.113.9 DST=192.0.2.7 LEN=40 TTL=244 ID=%d PROTO=TCP SPT=4 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n",
                    i / 360, i / 6 % 60, i
        }'
    }
    bursts() {
        "$SCANTIDE" sql --data "$1" --format csv "SELECT kind, first, last, events FROM bursts ORDER BY kind" | tail -n +2
    }
    flood 0 600 | "$SCANTIDE" run --data whole --sensor gw --timezone UTC - 2>said
    flood 0 20 | "$SCANTIDE" run --config conf.yaml --sensor gw --timezone UTC - 2>>said
    flood 20 600 | "$SCANTIDE" run --config conf.yaml --sensor gw --timezone UTC - 2>>said
    [ -n "$(bursts whole)" ]
    diff <(bursts whole) <(bursts data)
}
