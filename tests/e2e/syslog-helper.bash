# What the scenarios of syslog share: listeners, messages, and who had which.

: "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"

port() {
    echo $((20000 + (BATS_TEST_NUMBER * 97 + $$) % 12000))
}

# Arguments: entries of `inputs:` as YAML.
listens() {
    printf 'data: %s/data\ncommit_every: 1s\nlate: 0s\ninputs:\n' "$PWD" >conf.yaml
    for entry in "$@"; do
        printf '  - {%s}\n' "$entry" >>conf.yaml
    done
}

# N messages of now, from FIRST on, each an event of its own source.
messages() { # FIRST N
    awk -v first="$1" -v n="$2" -v stamp="$(date -u '+%b %e %T')" 'BEGIN {
        for (i = first; i < first + n; i++)
            printf "<4>%s r1 kernel: [1.0] DROP IN=eth0 OUT= SRC=198.51.%d.%d DST=192.0.2.1 LEN=40 TTL=244 ID=%d PROTO=TCP SPT=4 DPT=%d WINDOW=9 RES=0x00 SYN URGP=0\n",
                stamp, i / 256 % 256, i % 256, i % 65536, i % 97 + 1
    }'
}

octets() {
    while IFS= read -r line; do printf '%d %s' "${#line}" "$line"; done
}

by_sensor() {
    "$SCANTIDE" sql --config conf.yaml --format csv \
        "SELECT s.sensor, sum(events) FROM bins b JOIN sensors s ON s.sensor = b.sensor GROUP BY 1 ORDER BY 1" | tail -n +2 | tr '\n' ' '
}
