# scantide run reads on where it, or an import, stopped: a log is known by its content.

load run-helper

@test "from its own position" {
    lines 1 100 >log
    size=$(stat -c %s log)
    start
    until_true has_events 100
    stop
    lines 101 200 >>log
    start
    until_true has_events 200
    stop
    grep -q "$PWD/log: reads on at byte $size of $(stat -c %s log)$" said
    same_as_import log
}

@test "after an import, also under another name" {
    lines 1 100 >elsewhere
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC elsewhere >/dev/null
    cp elsewhere log
    lines 101 200 >>log
    start
    until_true has_events 200
    stop
    grep -q "$PWD/log: reads on at byte $(stat -c %s elsewhere) of" said
    same_as_import log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null
    [ "$(events)" -eq 200 ]
}

@test "a log that was written anew by an editor is read on, too" {
    lines 1 100 >log
    start
    until_true has_events 100
    lines 1 120 >log.new
    mv log.new log
    until_true has_events 120
    stop
    same_as_import log
}

@test "the time in between isn't unknown" {
    command -v sqlite3 >/dev/null || skip "no sqlite3"
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    start
    until_true says 2 "$PWD/log: "
    stop
    [ "$(sqlite3 data/facts.db 'SELECT count(*) FROM coverage')" -eq 1 ]
    watched=$(sqlite3 data/facts.db 'SELECT last FROM coverage')
    [ "$watched" -ge $(($(date +%s) - 10)) ]
}
