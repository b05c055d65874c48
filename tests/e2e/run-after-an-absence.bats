# scantide run: what was rotated while it was down, under whatever name and packing, is finished, then what came after it.

load run-helper

rotated() { # COMMAND...: the log is followed to line 100 and gets 50 more; COMMAND rotates it while the daemon is down
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    lines 101 150 >>log
    "$@"
    start
    until_true has_events "$(cat whole | wc -l)"
    stop
    same_as_import whole
}

all() { # N
    lines 1 "$1" >whole
}

@test "three rotations, each compressed" {
    three() {
        gzip -c log >log.3.gz && lines 151 200 | gzip >log.2.gz && lines 201 250 | gzip >log.1.gz
        lines 251 300 >log
        all 300
    }
    rotated three
    grep -q "$PWD/log.3.gz: reads on at byte" said
}

@test "three rotations, the newest not yet compressed, every packing" {
    three() {
        xz -c log >log.4.xz && lines 151 200 | zstd -q >log.3.zst && lines 201 250 | bzip2 >log.2.bz2
        lines 251 260 >log.1
        lines 261 300 >log
        all 300
    }
    rotated three
}

@test "dated names, the last line of one without its end" {
    dated() {
        mv log log-20261124 && lines 151 200 | head -c -1 | gzip >log-20261125.gz && lines 201 250 | xz >log-20261126.xz
        lines 251 300 >log-20261127
        lines 301 310 >log
        all 310
    }
    rotated dated
}

@test "dates behind a dot, and the extension kept behind" {
    configure fw.log
    lines 1 100 >fw.log
    start
    until_true has_events 100
    stop
    mv fw.log fw.log.2026-11-24 && lines 101 150 | gzip >fw.log.2026-11-25.gz && lines 151 200 >fw.log
    start
    until_true has_events 200
    stop
    mv fw.log fw-20261126.log && lines 201 250 | gzip >fw-20261127.log.gz && lines 251 300 >fw.log
    start
    until_true has_events 300
    stop
    lines 1 300 >whole
    same_as_import whole
}

@test "nothing known among the rotated ones: they are left alone" {
    lines 1 50 | gzip >log.2.gz
    lines 51 60 >log.1
    lines 101 200 >log
    start
    until_true has_events 100
    until_true says 1 "$PWD/log: new"
    stop
    [ "$(events)" -eq 100 ]
}

@test "nothing known among the rotated ones, but the log was followed before: what came since is read" {
    lines 1 50 >log.3
    lines 51 100 >log
    start
    until_true has_events 50
    stop
    mv log.3 log.6
    lines 101 150 | gzip >log.2.gz && lines 151 200 >log.1 # longer down than rotation keeps
    lines 201 250 >log
    start
    until_true has_events 200
    until_true says 1 "$PWD/log: new"
    stop
    [ "$(events)" -eq 200 ] # not what was there at the first start
}

@test "compressed under its hands while it runs, and killed in between" {
    lines 1 100 >log
    start
    until_true has_events 100
    for i in 1 2 3 4 5 6; do
        lines $((i * 100 + 1)) $((i * 100 + 50)) >>log
        [ ! -e log.1.gz ] || mv log.1.gz log.2.gz
        mv log log.1 && lines $((i * 100 + 51)) $((i * 100 + 100)) >log
        gzip log.1
        if [ $((i % 2)) = 0 ]; then
            kill -9 "$daemon"
            wait "$daemon" || true
            start
        else
            until_true has_events $((i * 100 + 100))
        fi
    done
    until_true has_events 700
    stop
    all 700
    same_as_import whole
}

@test "a damaged one is read as far as it can be, and said" {
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    lines 101 20000 >>log
    gzip -c log | head -c 200000 >log.1.gz
    lines 20001 20100 >log
    start
    until_true says 1 "$PWD/log.1.gz: is damaged or ends too early: it was read up to byte [0-9]* of its content"
    until_true says 1 "$PWD/log: new"
    "$SCANTIDE" status --config conf.yaml >told || true
    grep -q '^ *1 rotated files are damaged: what is behind the damage is lost$' told
    stop
    grep -q '; 1 damaged files$' said
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv "SELECT text FROM coverage WHERE state = 'lost'" | tail -n 1)" = "a compressed file is damaged" ]
    [ "$(events)" -gt 200 ]
    [ "$(events)" -lt 20100 ]
}

@test "a symbolic link, rotated where it leads to" {
    mkdir real
    lines 1 100 >real/fw
    ln -s real/fw log
    start
    until_true has_events 100
    stop
    gzip -c real/fw >real/fw.2.gz && lines 101 150 | gzip >real/fw.1.gz
    lines 151 200 >real/fw
    start
    until_true has_events 200
    stop
    all 200
    same_as_import whole
}

@test "rotated into a folder of its own, while it is down and while it runs" {
    mkdir old
    printf 'data: %s/data\ncommit_every: 1s\nlate: 0s\ninputs:\n  - {file: "%s/l*", rotated: "%s/old", sensor: gw, timezone: UTC}\n' "$PWD" "$PWD" "$PWD" >conf.yaml
    lines 1 100 >log
    start
    until_true has_events 100
    stop
    lines 101 150 >>log
    gzip -c log >old/log.3.gz && lines 151 200 | gzip >old/log.2.gz && lines 201 250 >old/log.1
    lines 251 300 >log
    lines 9000 9100 >log.1 # not where it is rotated to
    start
    until_true has_events 300
    lines 301 310 >>log
    mv old/log.1 old/log.4 && cp log old/log.1 && : >log && lines 311 320 >>log
    until_true has_events 320
    stop
    all 320
    same_as_import whole
}

@test "without any hints, as on a network file system" {
    export SCANTIDE_EVENTS=off
    lines 1 100 >log
    start
    until_true has_events 100
    lines 101 200 >>log
    mv log log.1 && lines 201 300 >log
    until_true has_events 300
    lines 301 310 >>log
    mv log.1 log.2 && cp log log.1 && : >log && lines 311 320 >>log
    until_true has_events 320
    stop
    all 320
    same_as_import whole
}
