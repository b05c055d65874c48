# SIGHUP: the configuration anew. Validated whole; unchanged inputs go on untouched; on a fault the old one stays.

load run-helper

reload() {
    kill -HUP "$daemon"
}

# The Nth one: each other is broken.
reload_once() {
    if (($1 % 2)); then
        printf 'inputs: [{file: x}]\n' >conf.yaml
    else
        configure a
    fi
    reload
    until_true says "$1" 'the configuration'
}

anonymous_kb() {
    awk '/^RssAnon/ { print $2 }' "/proc/$daemon/status"
}

@test "an input comes and goes; the other isn't touched" {
    configure a
    lines 1 10 >a
    lines 11 20 >b
    start
    until_true has_events 10
    configure a b
    reload
    until_true has_events 20
    [ "$(grep -c 'a: reads on' said)" -eq 0 ]
    configure b
    reload
    until_true says 2 'the configuration is taken over'
    lines 21 30 >>a
    lines 31 40 >>b
    until_true has_events 30
    stop
    [ "$(events)" -eq 30 ]
    configure a b # what was left comes when it is followed again
    start
    until_true has_events 40
    stop
    same_as_import a b
}

@test "a broken configuration is refused with all its faults, and the old one stays" {
    configure a
    lines 1 10 >a
    start
    until_true has_events 10
    printf 'data: %s/data\ncommit_every: 1d\ninputs:\n  - {fil: "/x"}\n' "$PWD" >conf.yaml
    reload
    until_true says 1 'the configuration stays as it was'
    grep -q "'commit_every' must be a number" said
    grep -q "did you mean 'file'" said
    lines 11 20 >>a
    configure a
    until_true has_events 20
    stop
}

@test "a hundred times under load, half of them broken: exact, no descriptor and no memory more" {
    configure a
    lines 1 10 >a
    start
    until_true has_events 10
    fds=$(find "/proc/$daemon/fd" | wc -l)
    for ((i = 1; i <= 100; i++)); do
        lines $((i * 200 - 189)) $((i * 200 + 10)) >>a
        reload_once "$i"
    done
    configure a
    until_true has_events 20010
    [ "$(events)" -eq 20010 ]
    memory=$(anonymous_kb)
    for ((; i <= 200; i++)); do
        reload_once "$i"
    done
    now=$(anonymous_kb)
    echo "fds $fds, memory $memory kB then $now kB"
    [ "$(find "/proc/$daemon/fd" | wc -l)" -le "$fds" ]
    [ "$now" -le $((memory + 512)) ]
    stop
    same_as_import a
}

@test "a replaced country database is noticed, tried and taken over" {
    mkdir geo
    printf '198.51.0.0/16 CN\n' | "$TOOLS/mkmmdb" --schema iso >geo/country.mmdb
    configure a
    printf 'geo: {country: %s/geo/country.mmdb}\n' "$PWD" >>conf.yaml
    lines 1 9 >a
    start
    until_true has_events 9
    printf 'no database' >geo/new
    mv geo/new geo/country.mmdb
    reload
    until_true says 1 'the configuration stays as it was'
    printf '198.51.0.0/16 JP\n' | "$TOOLS/mkmmdb" --schema iso >geo/country.mmdb # in place
    reload
    until_true says 1 'the configuration is taken over'
    lines 10 18 >>a
    until_true has_events 18
    stop
    [ "$("$SCANTIDE" top countries --config conf.yaml --all --format csv | grep -c -e ',CN,' -e ',JP,')" -eq 2 ]
}
