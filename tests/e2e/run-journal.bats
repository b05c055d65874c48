# The systemd journal, as systemd-journal-remote writes it: read whole, and from its cursor after a restart.

load run-helper

# Entries FROM to TO in the journal export format, one event each, a second apart from 10:00:00 on.
entries() {
    lines "$1" "$2" | awk -v from="$1" '{
        sub(/^.*gw kernel: /, "")
        us = (1795514400 + from + NR) * 1000000
        printf "__REALTIME_TIMESTAMP=%.0f\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=0123456789abcdef0123456789abcdef\n", us, (from + NR) * 1000000
        printf "_TRANSPORT=kernel\n_HOSTNAME=gw\nSYSLOG_IDENTIFIER=kernel\nPRIORITY=4\nMESSAGE=%s\n\n", $0
    }'
}

append() { # FROM TO
    mkdir -p journal
    entries "$1" "$2" | "$remote" --output=journal/remote.journal - >/dev/null 2>&1
}

setup_file() {
    remote=$("$BATS_TEST_DIRNAME/../journal-remote.sh") || remote=
    [ -s /etc/machine-id ] || remote= # it appends to a journal of its own machine only
    export remote
}

journal() { # FURTHER KEYS
    [ -n "$remote" ] || skip "systemd-journal-remote can't be had here"
    printf 'data: %s/data\ncommit_every: 1s\nlate: 0s\ninputs:\n  - {journal: kernel, folder: %s/journal%s}\n' \
        "$PWD" "$PWD" "$1" >conf.yaml
}

@test "read whole, and on from its cursor after a restart" {
    journal ', sensor: gw'
    append 1 500
    start
    until_true has_events 500
    append 501 700
    until_true has_events 700
    stop
    append 701 900
    start
    until_true says 1 'the journal: reads on where it was left'
    until_true has_events 900
    kill -9 "$daemon"
    wait "$daemon" || true
    append 901 1000
    start
    until_true has_events 1000
    stop
    [ "$(events)" -eq 1000 ]
}

@test "an entry of another transport is no line of it" {
    journal ''
    append 1 10
    entries 11 20 | sed 's/_TRANSPORT=kernel/_TRANSPORT=syslog/' | "$remote" --output=journal/remote.journal - >/dev/null 2>&1
    append 21 30
    start
    until_true has_events 20
    stop
    grep -q 'ended: 20 lines: 20 events' said
}

@test "what a process wrote is taken for the kernel's only from one that passes it on" {
    journal ''
    sed -i 's/journal: kernel/journal: _TRANSPORT=syslog/' conf.yaml
    mkdir -p journal
    for program in app ulogd; do
        entries 1 10 | sed "s/_TRANSPORT=kernel/_TRANSPORT=syslog/; s/IDENTIFIER=kernel/IDENTIFIER=$program/"
    done | "$remote" --output=journal/remote.journal - >/dev/null 2>&1
    start
    until_true has_events 10
    stop
    grep -q 'ended: 20 lines: 10 events' said
}

@test "what was vacuumed before it was read is a gap" {
    journal ', sensor: gw'
    append 1 100
    start
    until_true has_events 100
    stop
    rm journal/remote.journal
    append 201 300
    start
    until_true has_events 200
    grep -q 'a gap is noted' said
    stop
    "$SCANTIDE" sql --config conf.yaml "SELECT state FROM coverage" | grep -q journal-gap
}

@test "SIGHUP with another sensor and other matches: it is read on where it is, each entry once" {
    journal ', sensor: gw'
    sed -i 's/commit_every: 1s/commit_every: 60s/' conf.yaml
    append 1 500
    start
    until_true says 1 'the journal: read to its end: 500 lines'
    until_true has_events 500
    append 501 600
    sed -i 's/sensor: gw/sensor: other/; s/journal: kernel/journal: _TRANSPORT=kernel _HOSTNAME=gw/' conf.yaml
    sleep 1.2 # an entry is taken in within a second, and not committed for a minute
    kill -HUP "$daemon"
    until_true says 1 'the configuration is taken over'
    append 601 700
    stop
    [ "$(events)" -ge 600 ]
    [ "$(events)" -le 700 ]
    start
    until_true says 1 'the journal: reads on where it was left'
    until_true has_events 700
    stop
    [ "$(events)" -eq 700 ]
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv "SELECT count(DISTINCT sensor) FROM bins" | tail -1)" -eq 2 ]
}

@test "nothing may be read in it: the mistake is said, and what to do" {
    mkdir journal
    journal ''
    run "$SCANTIDE" run --config conf.yaml
    [ "$status" -eq 2 ]
    [[ $output == *"systemd-journal"* ]]
}
