# Lines that can't be taken in are no silence: the facts say when, how many, and of which log.

load run-helper

long_line() {
    echo "Nov 24 00:$1 gw kernel: $(head -c 9000 /dev/zero | tr '\0' x)"
}

lost() { # DATA
    "$SCANTIDE" sql --data "$1" --format csv \
        "SELECT sensor, substr(first, 12) AS first, substr(last, 12) AS last, lost, input LIKE '%log' AS log FROM coverage WHERE state = 'lost'" | tail -n +2
}

@test "lost lines: an import and a daemon tell the same, near ones as one" {
    {
        lines 1 100
        long_line 00:21
        long_line 01:00
        lines 1000 1100 # from 00:03:20 on
        long_line 20:00
    } >log
    "$SCANTIDE" import --data whole --sensor gw --timezone UTC log >/dev/null 2>&1
    diff - <(lost whole) <<'END'
gw,00:00:21,00:01:00,2,1
gw,00:20:00,00:20:00,1,1
END
    head -c 20000 log >part && mv log rest && mv part log
    start
    until_true has_events 1
    kill -9 "$daemon"
    wait "$daemon" || true
    start
    tail -c +20001 rest >>log
    until_true has_events 201
    stop
    diff <(lost whole) <(lost data)
}

stopped() {
    "$SCANTIDE" sql --data data --format csv "SELECT sensor, last_epoch - first_epoch FROM coverage WHERE state = 'stopped'" | tail -n +2
}

is_watched() { # until about now
    [ "$("$SCANTIDE" sql --data data --format csv "SELECT max(last_epoch) FROM coverage WHERE state = 'watched'" | tail -n 1)" -ge $(($(date +%s) - 9)) ]
}

@test "a log that is read on has no gap; one that is gone has been stopped" {
    command -v sqlite3 >/dev/null || skip "no sqlite3"
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    [ -z "$(stopped)" ]
    # As if it had been stopped for an hour.
    sqlite3 data/facts.db "UPDATE coverage SET last = max(first, last - 3600)"
    start
    until_true is_watched
    stop
    [ -z "$(stopped)" ]
    sqlite3 data/facts.db "UPDATE coverage SET last = max(first, last - 3600)"
    rm log
    start
    until_true says 3 "log: "
    stop
    seconds=$(stopped | cut -d, -f2)
    [ "$seconds" -ge 1 ]
    [ "$seconds" -le 3660 ]
}

@test "what wasn't read of a log when it was truncated is told" {
    knows() { # BYTES of the log
        "$SCANTIDE" status --config conf.yaml --json | grep -q "\"size\": *$1\>"
    }
    lines 1 100 >log
    start
    until_true has_events 100
    printf half >>log
    until_true knows "$(stat -c %s log)"
    sleep 1.1 # until its tail has looked, too
    : >log
    until_true says 1 '; 4 bytes of it'
    lines 101 110 >>log
    until_true has_events 110
    stop
    "$SCANTIDE" sql --data data --format csv "SELECT sensor, lost, input, text FROM coverage WHERE state = 'truncated'" >told
    grep -q "^gw,,$PWD/log,\"\?at least 4 bytes were unread" told
    [ "$(wc -l <told)" -eq 2 ]
}
