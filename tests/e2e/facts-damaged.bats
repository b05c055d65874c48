# Damaged facts: said in a sentence, never half read; `rebuild --salvage` sets them aside and keeps what can be read.

load run-helper

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    configure
    lines 1 20000 >log
    import log
    facts=data/facts.db
    cp $facts whole.db
}

import() {
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC "$@" >/dev/null 2>&1
}

sql() {
    "$SCANTIDE" sql --config conf.yaml --format csv "$1" | tail -n +2
}

refused() { # WORDS: all that opens the facts says it, and nothing is changed
    sha256sum $facts >before
    for command in "import log" "run" "top ports --all" "sql -"; do
        # shellcheck disable=SC2086 # words
        run --separate-stderr "$SCANTIDE" --config conf.yaml $command <<<'SELECT sum(events) FROM bins'
        [ "$status" -ne 0 ] || { echo "$command: not refused"; return 1; }
        [[ $stderr == *"$1"* ]] || { echo "$command: $stderr"; return 1; }
    done
    sha256sum -c before
}

salvage() {
    "$SCANTIDE" rebuild --salvage --config conf.yaml >said 2>said.err || { cat said said.err; return 1; }
}

told() { # WORDS: the number behind them
    sed -n "s/^ *$1 *\([0-9]*\).*/\1/p" said
}

consistent() {
    [ "$(sqlite3 $facts 'PRAGMA integrity_check')" = ok ]
    # All that is there can be read, and the series say what the facts say.
    sql 'SELECT sum(events) FROM sources' >/dev/null
    # What is summed up by the hour says what the bins say.
    [ "$(events)" -eq "$(sql 'SELECT ifnull(sum(events), 0) FROM bins')" ]
    sql 'SELECT sum(sources) FROM targets' >/dev/null
}

@test "whole facts are left alone" {
    sha256sum $facts >before
    salvage
    grep -q 'nothing was changed' said
    sha256sum -c before
    run ls data
    [[ $output != *broken* && $output != *new* ]]
}

@test "a cut file" {
    n=$(sqlite3 $facts 'SELECT count(*) FROM segment WHERE kind < 4')
    truncate -s $(($(stat -c %s $facts) / 8192 * 4096)) $facts
    sha256sum $facts | cut -d' ' -f1 >cut.sum
    refused 'rebuild --salvage'
    salvage
    [ "$(told 'segments lost')" -gt 0 ]
    [ $(($(told 'segments kept') + $(told 'segments lost'))) -eq "$n" ]
    [ "$(sha256sum data/facts.db.broken-* | cut -d' ' -f1)" = "$(cat cut.sum)" ]
    consistent
    [ "$(events)" -le 20000 ]
    grep -q 'scantide prune' said.err
}

@test "pages of zeros in the middle" {
    pages=$(($(stat -c %s $facts) / 4096))
    for page in $((pages / 3)) $((pages / 2)) $((pages * 3 / 4)); do
        dd if=/dev/zero of=$facts bs=4096 seek=$page count=1 conv=notrunc status=none
    done
    "$SCANTIDE" import --config conf.yaml log >/dev/null 2>&1 && false
    salvage
    [ "$(told 'segments lost')" -gt 0 ]
    consistent
    [ "$(events)" -le 20000 ]
}

@test "a torn first page: the rest is whole" {
    dd if=/dev/urandom of=$facts bs=512 count=1 conv=notrunc status=none
    refused 'rebuild --salvage'
    salvage
    [ "$(told 'segments lost')" -eq 0 ]
    consistent
    [ "$(events)" -eq 20000 ]
    # The positions are there, too: nothing is counted twice.
    import log
    [ "$(events)" -eq 20000 ]
}

@test "a segment with a changed byte is lost alone, and its hour is named" {
    sqlite3 $facts "UPDATE segment SET data = x'01ff' WHERE id = (SELECT id FROM segment WHERE kind = 1 AND start % 3600 = 0 ORDER BY start LIMIT 1)"
    salvage
    [ "$(told 'segments lost')" -eq 1 ]
    grep -qE 'lost between +[0-9]{4}-11-24 00:00 and [0-9]{4}-11-24 01:00' said
    consistent
}

@test "an entry that reads well but adds up to something else is no fact" {
    sqlite3 $facts "UPDATE segment SET events = events + 1 WHERE id = (SELECT max(id) FROM segment WHERE kind = 2)"
    salvage
    [ "$(told 'segments lost')" -eq 1 ]
}

@test "the first 4 KiB: tables' beginnings are known, sensors get names that can be given back" {
    dd if=/dev/urandom of=$facts bs=4096 count=1 conv=notrunc status=none
    refused 'rebuild --salvage'
    salvage
    [ "$(told 'segments lost')" -eq 0 ]
    consistent
    [ "$(events)" -eq 20000 ]
    [ "$(sql 'SELECT DISTINCT sensor FROM bins')" = salvaged-1 ]
    cp conf.yaml named.yaml
    echo 'sensors: [{name: gw, was: [salvaged-1]}]' >>named.yaml
    "$SCANTIDE" import --config named.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    [ "$(sql 'SELECT DISTINCT sensor FROM bins')" = gw ]
    [ "$(events)" -eq 20000 ]
}

@test "the root of the segments' tree: each is found on its leaf, and none that was given up" {
    for i in 1 2 3 4; do # leaves come and go
        "$SCANTIDE" prune --config conf.yaml --sensor gw --from 2000-01-01 --to 2100-01-01 --yes >/dev/null 2>&1
        import log
    done
    [ "$(events)" -eq 20000 ]
    n=$(sqlite3 $facts 'SELECT count(*) FROM segment WHERE kind NOT IN (4, 5)')
    root=$(sqlite3 $facts "SELECT rootpage FROM sqlite_master WHERE name = 'segment'")
    dd if=/dev/urandom of=$facts bs=512 seek=$((root - 1)) count=1 conv=notrunc status=none
    salvage
    [ "$(told 'segments lost')" -eq 0 ]
    [ "$(told 'segments kept')" -eq "$n" ]
    consistent
    [ "$(events)" -eq 20000 ]
}

@test "damages at random, of 512 bytes to 64 KiB: what is lost is said, most of the rest is kept" {
    "$SCANTIDE" simulate --days 2 --rate 0.3 --seed 4 >days
    import days
    rm $facts-wal
    cp $facts whole.db
    size=$(stat -c %s $facts) all=$(events)
    n=$(sqlite3 $facts 'SELECT count(*) FROM segment WHERE kind NOT IN (4, 5)')
    page=$(sqlite3 $facts 'PRAGMA page_size')
    mapfile -t roots < <(sqlite3 $facts "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'segment' AND rootpage > 0")
    [ ${#roots[@]} -eq 2 ]
    RANDOM=${SEED:-11} sum=0
    for round in $(seq "${ROUNDS:-8}"); do
        rm -f data/facts.db*
        cp whole.db $facts
        length=$((512 << (RANDOM % 8))) at=$(((RANDOM * 32768 + RANDOM) % (size - 512)))
        head -c $length /dev/urandom | dd of=$facts bs=512 seek=$at oflag=seek_bytes conv=notrunc status=none
        salvage
        if grep -q 'nothing was changed' said; then # where nothing is
            sum=$((sum + n))
            continue
        fi
        kept=$(told 'segments kept') lost=$(told 'segments lost') sum=$((sum + kept))
        echo "$round: $length bytes at $at of $size: kept $kept of $n, lost $lost"
        consistent
        [ "$(events)" -le "$all" ]
        [ $((kept + lost)) -eq "$n" ] || grep -q 'segments lost .* at least' said
        hit=0
        for root in "${roots[@]}"; do
            [ $((at + length)) -le $(((root - 1) * page)) ] || [ "$at" -ge $((root * page)) ] || hit=$((hit + 1))
        done
        if [ $hit -eq 2 ]; then # nothing names segments any more: what was found is said, and that it may be few
            grep -q 'segments lost .* at least' said
            sum=$((sum + n - kept))
            continue
        fi
        [ "$kept" -ge $((n - 4 * (length / 512 + 2))) ] # a page has few of them
    done
    [ $sum -ge $((n * ${ROUNDS:-8} * 9 / 10)) ]
}

@test "no database at all" {
    head -c 100000 /dev/urandom >$facts
    rm -f $facts-wal $facts-shm
    refused 'rebuild --salvage'
    salvage
    [ "$(told 'segments kept')" -eq 0 ]
    [ "$(stat -c %s data/facts.db.broken-*)" -eq 100000 ]
    import log
    [ "$(events)" -eq 20000 ]
}

@test "twice on one day: two are set aside" {
    for i in 1 2; do
        cp whole.db $facts
        dd if=/dev/urandom of=$facts bs=4096 count=1 conv=notrunc status=none
        salvage
    done
    [ "$(find data -name 'facts.db.broken-*' ! -name '*-wal' | wc -l)" -eq 2 ]
}

@test "another version and another program are refused, not salvaged" {
    sqlite3 $facts 'PRAGMA user_version = 7'
    run -2 --separate-stderr "$SCANTIDE" top ports --config conf.yaml
    [[ $stderr == *"the facts are of version 7"* ]]
    run -2 --separate-stderr "$SCANTIDE" rebuild --salvage --config conf.yaml
    [[ $stderr == *"another version"* ]]
    rm $facts*
    sqlite3 $facts 'CREATE TABLE t (x)'
    run -2 --separate-stderr "$SCANTIDE" rebuild --salvage --config conf.yaml
    [[ $stderr == *"another program's"* ]]
    [ "$(ls data | grep -c broken)" -eq 0 ]
}

@test "not while a daemon runs, or anybody has them open" {
    start
    until_true says 1 'facts are kept'
    run -1 --separate-stderr "$SCANTIDE" rebuild --salvage --config conf.yaml
    [[ $stderr == *"'scantide run' keeps its facts here"* ]]
    stop
    mkfifo go
    { echo 'SELECT count(*) FROM sensor;'; cat go; } | sqlite3 $facts >/dev/null &
    exec 4>go
    until_true test "$("$SCANTIDE" rebuild --salvage --config conf.yaml 2>&1 | grep -c 'has the facts open')" -eq 1
    exec 4>&-
}
