# scantide import: what can't be done ends in a sentence that says what to do, and nothing is taken in by halves.

bats_require_minimum_version 1.5.0

setup() {
    # Readable for another user, unlike the runner's own folder.
    dir=$(mktemp -d)
    chmod 755 "$dir"
    cd "$dir" || return
    cp "${SCANTIDE:-$BATS_TEST_DIRNAME/../../build/scantide}" scantide
    mkdir share
    cp -r "$BATS_TEST_DIRNAME/../../parsers" "$BATS_TEST_DIRNAME/../../rrd" share/
    chmod -R a+rX share
    export SCANTIDE_SHARE=$dir/share TZ=UTC
    printf 'data: %s/data\n' "$dir" >conf.yaml
    ./scantide simulate --days 0.01 --end 2026-11-24T10:00:00Z >log
}

teardown() {
    cd / && rm -rf "$dir"
}

# Root may do everything, so root's tests run as somebody else.
unprivileged() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    fi
}

@test "a log that may not be read: whose it is and how to get at it" {
    mkdir -m 777 data
    chmod 600 log
    [ "$(id -u)" -eq 0 ] || chmod 000 log
    run --separate-stderr unprivileged ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [[ ${stderr_lines[-1]} == "log: can't be read: it belongs to "*"setfacl "* ]]
}

@test "a data folder that may not be written" {
    mkdir -m 555 data
    run --separate-stderr unprivileged ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [[ ${stderr_lines[-1]} == "$dir/data/facts.db: the facts can't be written"*"--data" ]]
}

@test "a data folder that can't be made" {
    run --separate-stderr unprivileged ./scantide import --config conf.yaml --data "$dir/share/a/b" log
    [ "$status" -eq 2 ]
    [[ ${stderr_lines[-1]} == "$dir/share/a"*": can't be "*"--data"* ]]
}

@test "a configuration with three faults: three lines, nothing taken in" {
    printf 'data: %s/data\nlate: soon\ninputs:\n  - file: /var/log/kern.log\n    timezon: UTC\nseries:\n  max_ports: -1\n' "$dir" >conf.yaml
    run --separate-stderr ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    diff - <<EOF <(printf '%s\n' "$stderr")
conf.yaml:2:7: 'late' must be a number and s, m or h, such as 5s or 2m, not 'soon'
conf.yaml:5:5: key 'timezon' is unknown; did you mean 'timezone'?
conf.yaml:7:14: 'series.max_ports' must be a whole number from 0 to 4294967295, not '-1'
EOF
    [ ! -e data ]
}

@test "a corrupt country database: a truncated one, and one with a damaged tree" {
    mmdb=$BATS_TEST_TMPDIR/whole.mmdb
    for i in $(seq 1 200); do echo "$i.0.0.0/8 CN"; done | "${TOOLS:-$BATS_TEST_DIRNAME/../../build/tests}/mkmmdb" --schema iso >"$mmdb"
    head -c 300 "$mmdb" >bad.mmdb
    printf 'data: %s/data\ngeo:\n  country: %s/bad.mmdb\n' "$dir" "$dir" >conf.yaml
    run --separate-stderr ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    [[ $stderr == *"bad.mmdb: this country database can't be used"*"'geo: country:'"* ]]
    { head -c 8 "$mmdb"; head -c 400 /dev/zero | tr '\0' '\377'; tail -c +409 "$mmdb"; } >bad.mmdb
    run --separate-stderr ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    [[ $stderr == *"bad.mmdb: this country database can't be used"* ]]
    [ ! -e data ]
}

@test "without a country database it says so once and countries are ZZ" {
    run --separate-stderr ./scantide import --config conf.yaml log
    [ "$status" -eq 0 ]
    ls /var/lib/GeoIP/*.mmdb /usr/share/GeoIP/*.mmdb >/dev/null 2>&1 && skip "this machine has a country database"
    [ "$(grep -c 'no country database' <<<"$stderr")" = 1 ]
    [ "$(./scantide top countries --config conf.yaml --all --format csv | awk -F, 'NR > 1 { print $2 }')" = ZZ ]
}

@test "a log that would end after its own time names --year, and nothing of it is counted" {
    ./scantide simulate --days 2 --rate 0.1 --end 2026-03-02T00:00:00Z >log
    touch -d 2026-02-28T12:00:00Z log
    run --separate-stderr ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    [[ $stderr == *"log: its lines would end at 2026-03-01"*"--year"* ]]
    run ./scantide top ports --config conf.yaml --all --format csv
    [ "${#lines[@]}" -le 2 ]
    ./scantide import --config conf.yaml --year 2026 log
    [[ $(./scantide top ports --config conf.yaml --all --format json) == '{"from":"2026-02-28T00:'* ]]
}

@test "another program's database is refused and left alone" {
    mkdir data
    sqlite3 data/facts.db 'CREATE TABLE t (x); INSERT INTO t VALUES (1)'
    run --separate-stderr ./scantide import --config conf.yaml log
    [ "$status" -eq 2 ]
    [[ $stderr == *"another program's database"*"--data" ]]
    [ "$(sqlite3 data/facts.db 'SELECT x FROM t')" = 1 ]
}

@test "a file that isn't there and a folder are told apart, and other logs are taken in all the same" {
    run --separate-stderr ./scantide import --config conf.yaml nowhere share log
    [ "$status" -eq 2 ]
    [[ $stderr == *"nowhere: can't be read: it doesn't exist"* ]]
    [[ $stderr == *"share: this is a folder"* ]]
    [[ $output == *"lines "*[1-9]* ]]
}
