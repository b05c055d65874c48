# What the scenarios of `scantide run` share: a log whose every line is one event, a daemon, and waiting for conditions.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    configure
}

configure() { # LOG...
    printf 'data: %s/data\ncommit_every: 1s\nlate: 0s\ninputs:\n' "$PWD" >conf.yaml
    for log in "${@:-log}"; do
        printf '  - {file: "%s/%s", sensor: gw, timezone: UTC}\n' "$PWD" "$log" >>conf.yaml
    done
}

teardown() {
    [ -z "${daemon-}" ] || kill -9 "$daemon" 2>/dev/null || true
    [ -z "${writer-}" ] || kill "$writer" 2>/dev/null || true
    [ ! -s said ] || cat said
}

# Lines FROM to TO, one event each, of one second each five; none is like another.
lines() {
    awk -v from="$1" -v to="$2" 'BEGIN {
        for (i = from; i <= to; i++) {
            s = int(i / 5)
            printf "Nov 24 %02d:%02d:%02d gw kernel: [%d.%06d] DROP IN=eth0 OUT= SRC=198.%d.%d.%d DST=192.0.2.%d LEN=40 TTL=244 ID=%d PROTO=TCP SPT=%d DPT=%d WINDOW=1024 RES=0x00 SYN URGP=0\n",
                s / 3600, s / 60 % 60, s % 60, s, i % 1000000, 51 + i % 3, i / 256 % 256, i % 256, i % 200, i % 65536, i % 60000 + 1, i % 97 + 1
        }
    }'
}

start() { # ARGUMENT...
    "$SCANTIDE" run --config conf.yaml "$@" 2>>said >out 3>&- &
    daemon=$!
}

stop() { # SIGNAL
    kill "-${1:-TERM}" "$daemon"
    status=0
    wait "$daemon" || status=$?
    daemon=
    [ "$status" -eq 0 ]
}

# Until COMMAND... succeeds, for ten seconds, or as long as the daemon lives.
until_true() {
    for ((tries = 0; tries < 500; tries++)); do
        ! "$@" || return 0
        [ -z "${daemon-}" ] || kill -0 "$daemon" || break
        sleep 0.02
    done
    echo "never: $*"
    return 1
}

events() { # DATA
    "$SCANTIDE" top ports --config conf.yaml --data "${1:-$PWD/data}" --all -n 0 --format csv 2>/dev/null |
        awk -F, 'NR > 1 { n += $3 } END { print n + 0 }'
}

has_events() { # N
    [ "$(events)" -ge "$1" ]
}

says() { # N PATTERN: at least N lines of it
    [ "$(grep -c -e "$2" said)" -ge "$1" ]
}

# The facts are those of an undisturbed import of LOG...
same_as_import() {
    cat "$@" >whole.log
    "$SCANTIDE" import --config conf.yaml --data "$PWD/imported" --sensor gw --timezone UTC whole.log >/dev/null
    [ "$(events "$PWD/imported")" -eq "$(wc -l <whole.log)" ] || return
    for what in ports sources targets pairs; do
        for data in data imported; do
            "$SCANTIDE" top "$what" --config conf.yaml --data "$PWD/$data" --all -n 0 --format csv >"$data.csv"
        done
        cmp data.csv imported.csv || return
    done
}
