# scantide run follows a log, commits, writes the RRDs, and ends cleanly on SIGTERM and SIGINT.

load run-helper

@test "what is appended is counted; SIGTERM ends with the counts, the RRDs and a summary" {
    lines 1 1000 >log
    start
    until_true says 1 "$PWD/log: new, is read from its beginning"
    lines 1001 3000 >>log
    until_true has_events 3000
    lines 3001 3500 >>log
    until_true has_events 3500
    stop TERM
    grep -q 'Z ended: 3500 lines: 3500 events, 0 ignored, 0 unmatched, 0 lost$' said
    [ ! -s out ]
    total=$(events)
    drawn=$(rrdtool fetch data/rrd/gw/total.rrd AVERAGE -r 300 -s "$(date -d 'Nov 23 23:00' +%s)" -e "$(date -d 'Nov 24 02:00' +%s)" |
        awk 'NF > 1 && $2 + 0 > 0 { n += $2 * 300 } END { printf "%.0f\n", n }')
    echo "events $total, drawn $drawn"
    [ "$drawn" -eq "$total" ]
}

@test "SIGINT ends it, too, and a partial line is read once it is whole" {
    lines 1 10 >log
    lines 11 11 | head -c 60 >>log
    start
    until_true has_events 10
    stop INT
    [ "$(events)" -eq 10 ]
    lines 11 11 | tail -c +61 >>log
    start
    until_true has_events 11
    stop INT
    same_as_import log
}

@test "lines that no parser knows are counted, not told one by one" {
    for i in $(seq 300); do echo "Nov 24 10:00:00 gw kernel: [1.0] usb 1-1: number $i"; done >log
    start
    until_true says 1 "$PWD/log: new"
    lines 1 5 >>log
    until_true has_events 5
    stop
    grep -q 'ended: 305 lines: 5 events, 0 ignored, 300 unmatched, 0 lost$' said
    [ "$(grep -c usb said)" -eq 0 ]
}

@test "a line too long for a turn is lost, and counted" {
    lines 1 2 >log
    head -c 300000 /dev/zero | tr '\0' x >>log
    echo >>log
    lines 3 4 >>log
    start
    until_true has_events 4
    stop
    grep -q 'ended: 5 lines: 4 events, 0 ignored, 0 unmatched, 1 lost$' said
}

@test "FILEs take the configuration's place, with their sensor and zone" {
    lines 1 5 >log
    lines 6 20 >other
    start --sensor edge --timezone Asia/Tokyo other
    until_true has_events 15
    stop
    "$SCANTIDE" top ports --config conf.yaml --all --sensor edge --format json >top
    grep -q '"from":"2026-11-23T15:00:00Z"' top || grep -q '"from":"20[0-9][0-9]-11-23T15:00:00Z"' top
    [ "$(grep -c "$PWD/log:" said)" -eq 0 ]
}

@test "a journal's stderr gets no times" {
    lines 1 5 >log
    JOURNAL_STREAM=$(stat -c '%d:%i' said 2>/dev/null || { : >said; stat -c '%d:%i' said; })
    export JOURNAL_STREAM
    start
    until_true has_events 5
    stop
    grep -q '^ended: 5 lines' said
}

bytes_read() {
    awk '$1 == "rchar:" { print $2 }' "/proc/$daemon/io"
}

has_read() {
    [ "$(bytes_read)" -ge "$1" ]
}

@test "what was read is committed at the end, however far away the next commit was" {
    [ -r /proc/self/io ] || skip "no /proc/PID/io"
    lines 1 10 >log
    sed -i 's/commit_every: 1s/commit_every: 60s/' conf.yaml
    start
    until_true has_events 10
    before=$(bytes_read)
    lines 11 2000 >>log
    until_true has_read $((before + $(lines 11 2000 | wc -c)))
    stop
    [ "$(events)" -eq 2000 ]
}
