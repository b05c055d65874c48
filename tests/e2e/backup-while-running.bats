# scantide backup: whole copies of one instant, while a daemon writes; restored, it goes on without counting anything twice.

load run-helper

@test "while a daemon commits: each copy is whole, and of one instant" {
    lines 1 100 >log
    start
    until_true has_events 100
    # Every line is one event and of one length class, so counts and position must fit.
    (for ((i = 101; i < 4000; i += 100)); do lines $i $((i + 99)) >>log; sleep 0.05; done) 3>&- &
    writer=$!
    for i in 1 2 3 4 5 6 7 8; do
        "$SCANTIDE" backup --config conf.yaml copy$i.db
        [ "$(sqlite3 copy$i.db 'PRAGMA integrity_check')" = ok ]
        [ "$(sqlite3 copy$i.db 'SELECT sum(events) FROM segment WHERE kind = 1')" = "$(sqlite3 copy$i.db 'SELECT sum(events) FROM segment WHERE kind = 2')" ]
        # As many lines as the position says were read.
        n=$(sqlite3 copy$i.db 'SELECT offset FROM position')
        [ "$(head -c "$n" log | wc -l)" -eq "$(sqlite3 copy$i.db 'SELECT sum(events) FROM segment WHERE kind = 1')" ]
        sleep 0.2
    done
    wait "$writer"
    writer=
    stop
    [ "$(stat -c %a copy1.db)" = 640 ]
    [ "$(find . -name '*.new*' -o -name 'copy*-*' | wc -l)" -eq 0 ]
}

@test "restored, the daemon reads on from there" {
    lines 1 500 >log
    start
    until_true has_events 500
    "$SCANTIDE" backup --config conf.yaml copy.db
    lines 501 900 >>log
    until_true has_events 900
    stop
    rm -r data
    mkdir data
    cp copy.db data/facts.db
    "$SCANTIDE" rebuild --config conf.yaml
    [ "$(events)" -eq 500 ]
    start
    until_true has_events 900
    stop
    same_as_import log
}

@test "an earlier backup is replaced, nothing else is" {
    lines 1 100 >log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    "$SCANTIDE" backup --config conf.yaml copy.db
    lines 1 200 >log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    "$SCANTIDE" backup --config conf.yaml copy.db
    [ "$(sqlite3 copy.db 'SELECT sum(events) FROM segment WHERE kind = 1')" = 200 ]
    echo precious >file
    run -1 --separate-stderr "$SCANTIDE" backup --config conf.yaml file
    [[ $stderr == *"file: there is a file of another kind already"* ]]
    [ "$(cat file)" = precious ]
    run -2 --separate-stderr "$SCANTIDE" backup --config conf.yaml data/facts.db
    [[ $stderr == *"the facts themselves"* ]]
    run -2 --separate-stderr "$SCANTIDE" backup --config conf.yaml data
    [[ $stderr == *"this is a folder"* ]]
    run -2 --separate-stderr "$SCANTIDE" backup --config conf.yaml
    [[ $stderr == *"name one file"* ]]
    run -1 --separate-stderr "$SCANTIDE" backup --config conf.yaml nowhere/copy.db
    [[ $stderr == *"nowhere/copy.db: can't be written"* ]]
}

@test "a full disk: the earlier copy stays, nothing is left over" {
    command -v prlimit >/dev/null || skip "no prlimit"
    lines 1 20000 >log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    "$SCANTIDE" backup --config conf.yaml copy.db
    sha256sum copy.db >sum
    (trap '' XFSZ && run -1 --separate-stderr prlimit --fsize=65536 "$SCANTIDE" backup --config conf.yaml copy.db)
    sha256sum -c sum
    [ "$(find . -name 'copy*' | wc -l)" -eq 1 ]
}
