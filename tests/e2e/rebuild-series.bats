# scantide rebuild: all round-robin databases again from the facts, equal to those there were.

load run-helper

sums() {
    find data/rrd -name '*.rrd' | sort | while read -r file; do
        echo "$file $(rrdtool dump "$file" | sed '/<lastupdate>/d' | md5sum)"
    done
}

@test "the same files come out, of all sensors or of one" {
    lines 1 3000 >log
    sed 's/ gw / fw2 /' log >other
    "$SCANTIDE" import --config conf.yaml --timezone UTC log other >/dev/null 2>&1
    sums >before
    [ "$(wc -l <before)" -gt 10 ]
    inode=$(stat -c %i data/rrd/gw/total.rrd) inode2=$(stat -c %i data/rrd/fw2/total.rrd)
    "$SCANTIDE" rebuild --config conf.yaml --sensor gw
    sums | diff before -
    [ "$(stat -c %i data/rrd/gw/total.rrd)" != "$inode" ]
    [ "$(stat -c %i data/rrd/fw2/total.rrd)" = "$inode2" ]
    rm -r data/rrd/fw2/port
    "$SCANTIDE" rebuild --config conf.yaml
    sums | diff before -
}

@test "beside a daemon, which does it" {
    lines 1 3000 >log
    start
    until_true has_events 3000
    until_true test -s data/rrd/gw/total.rrd
    inode=$(stat -c %i data/rrd/gw/total.rrd)
    run --separate-stderr "$SCANTIDE" rebuild --config conf.yaml
    [ "$status" -eq 0 ]
    [[ $stderr == *"'scantide run' makes them again"* ]]
    stop
    # It was ended before its time came: the next one that writes the series does it.
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    [ "$(stat -c %i data/rrd/gw/total.rrd)" != "$inode" ]
}

@test "mistakes are told, and no folder is made" {
    run -1 --separate-stderr "$SCANTIDE" rebuild --config conf.yaml
    [[ $stderr == *"there are no facts here yet"* ]]
    [ ! -e data ]
    lines 1 10 >log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    run -2 --separate-stderr "$SCANTIDE" rebuild --config conf.yaml --sensor gv
    [[ $stderr == *"there is no such sensor; there are: gw"* ]]
    run -2 --separate-stderr "$SCANTIDE" rebuild --config conf.yaml now
    [[ $stderr == *"one word too many"* ]]
}
