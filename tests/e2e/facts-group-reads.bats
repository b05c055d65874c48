# Members of the data folder's group read the facts, and need not be root: with and without a daemon, also where nothing may be written.

load run-helper

GROUP=4242

setup() {
    [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || skip "only root can be somebody else"
    # Reachable for another user, unlike the runner's own folder.
    dir=$(mktemp -d)
    chmod 755 "$dir"
    cd "$dir" || return
    cp "${SCANTIDE:-$BATS_TEST_DIRNAME/../../build/scantide}" scantide
    SCANTIDE=$dir/scantide
    mkdir share
    cp -r "$BATS_TEST_DIRNAME/../../parsers" "$BATS_TEST_DIRNAME/../../rrd" share/
    chmod -R a+rX share
    export SCANTIDE_SHARE=$dir/share TZ=UTC LC_ALL=C
    configure
    chmod 644 conf.yaml
    umask 022
    # As a packager would: the folder is the group's, and what is made in it as well.
    mkdir -m 750 data
    chgrp "$GROUP" data
    chmod g+s data
}

teardown() {
    [ -z "${daemon-}" ] || kill -9 "$daemon" 2>/dev/null || true
    [ -z "${dir-}" ] || rm -rf "$dir"
}

member() {
    setpriv --reuid=65534 --regid=65534 --groups="$GROUP" "$@"
}

stranger() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

reads() { # N: events
    [ "$(member ./scantide sql --config conf.yaml --format csv 'SELECT sum(events) FROM bins' | tail -n 1)" = "$1" ]
}

@test "after an import, nobody else there" {
    lines 1 500 >log
    ./scantide import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    reads 500
    member ./scantide top ports --config conf.yaml --all >/dev/null
    # Again after a reader, and after another import.
    lines 1 700 >log
    ./scantide import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    reads 700
    [ "$(stat -c '%a %g' data/facts.db)" = "640 $GROUP" ]
    [ "$(stat -c %a data)" = 2750 ]
}

@test "beside a daemon, and after its end, also a violent one" {
    lines 1 500 >log
    start
    until_true has_events 500
    reads 500
    lines 501 800 >>log
    until_true has_events 800
    reads 800
    kill -9 "$daemon"
    wait "$daemon" || true
    daemon=
    reads 800
    start
    lines 801 900 >>log
    until_true has_events 900
    stop
    reads 900
}

@test "a copy of the file alone in a folder where nothing can be made" {
    lines 1 500 >log
    ./scantide import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    mkdir 'co?py #1%'
    cp data/facts.db 'co?py #1%'
    chmod 644 'co?py #1%/facts.db'
    chmod 555 'co?py #1%'
    [ "$(member ./scantide sql --config conf.yaml --data "$PWD/co?py #1%" --format csv 'SELECT sum(events) FROM bins' | tail -n 1)" = 500 ]
    [ "$(ls 'co?py #1%')" = facts.db ]
}

@test "who isn't in the group is told" {
    lines 1 5 >log
    ./scantide import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    run -2 --separate-stderr stranger ./scantide top ports --config conf.yaml
    [[ $stderr == *"facts"*"Permission denied"* ]]
    chmod 755 data
    run -2 --separate-stderr stranger ./scantide top ports --config conf.yaml
    [[ $stderr == *"in its group"* ]]
}

@test "folders and files that are made are the owner's and the group's" {
    lines 1 5 >log
    ./scantide import --config conf.yaml --data made/here --sensor gw --timezone UTC log >/dev/null 2>&1
    [ "$(stat -c %a made made/here made/here/facts.db | xargs)" = "750 750 640" ]
}
