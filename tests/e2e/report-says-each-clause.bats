#!/usr/bin/env bats
# "1433/tcp stays high, centred on CN, third in the three-day ranking; 23/tcp rose at 16:00 from NL, one source; RU scans a very wide range of ports from
# few hosts; 80/tcp and 443/tcp arrive at one rate, probably spoofed; there is a gap at noon, the collector was being patched": each clause is a sentence of
# the report where it happened, and of the same log without it none.

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    printf '50.0.0.0/8 DE\n51.0.0.0/8 US\n60.0.0.0/8 CN\n61.0.0.0/8 NL\n62.0.0.0/8 RU\n' | "${TOOLS:-$BATS_TEST_DIRNAME/../../build/tests}/mkmmdb" --schema iso >country.mmdb
    printf 'geo: {country: %s/country.mmdb}\n' "$PWD" >conf.yaml
    # What is there every day: 22/tcp and 25/tcp from everywhere.
    { knock 0 72 150 22 50,51,60 2000 200; knock 0 72 110 25 50,51,60 1500 200; } >usual
    takes_in calm usual
}

# knock HOUR HOURS AN_HOUR PORT NETWORKS SOURCES TARGETS [PORTS]: from that hour of the three days to 2026-11-20 on.
knock() {
    awk -v from="$1" -v hours="$2" -v n="$3" -v port="$4" -v networks="$5" -v sources="$6" -v targets="$7" -v ports="${8:-1}" '
        BEGIN {
            k = split(networks, network, ",")
            spt = port
            for (i = 0; i < n * hours; i++) {
                s = i % sources
                at = 1794960000 + from * 3600 + int((i + (i * 7919 % 97) / 97) * 3600 / n)
                to = ports > 1 ? 1 + (port + i % ports * (i % ports * 2 + 1) * 5) % 65535 : port
                spt += 7919 + i % 13
                printf "%s gw kernel: [1.0] DROP IN=eth0 OUT= SRC=%d.0.%d.%d DST=192.0.2.%d LEN=40 TTL=50 ID=1 PROTO=TCP SPT=%d DPT=%d WINDOW=1024 RES=0x00 SYN URGP=0\n",
                    strftime("%Y-%m-%dT%H:%M:%S+00:00", at, 1), network[1 + s % k], s / 250, 1 + s % 250, 1 + i % targets, 1024 + spt % 60000, to
            }
        }'
}

# takes_in NAME LOG...: sorted, into a folder of that name.
takes_in() {
    local name=$1
    shift
    sort "$@" >"$name.log"
    "${SCANTIDE:-$BATS_TEST_DIRNAME/../../build/scantide}" --config conf.yaml --data "data-$name" import "$name.log" >/dev/null
}

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_FILE_TMPDIR" || return
    export TZ=UTC
}

# said NAME [HEADING]: the report in one line, or its part with that heading.
said() {
    "$SCANTIDE" --config conf.yaml --data "data-$1" report --date 2026-11-20 --format text -n 5 | awk -v heading="$2" '
        /^(---|\.\.\.|===)/ { on = heading == "" || index(before, heading) == 1; before = ""; next }
        on { printf "%s ", before }
        { before = $0 }
        END { if (on) printf "%s", before }' | tr -s ' '
}

says() { grep -qE -- "$2" <<<"$1" || { echo "not said: $2 in: $1"; return 1; }; }
says_not() { ! grep -qE -- "$2" <<<"$1" || { echo "said: $2 in: $1"; return 1; }; }

@test "1433/tcp stays high, centred on CN, third in the three-day ranking" {
    knock 0 72 60 1433 60,60,60,50 900 100 >high
    takes_in high usual high
    part=$(said high 1433/tcp)
    says "$part" 'It stays high'
    says "$part" 'Centred on China \(CN\): 75% of the events'
    says "$part" 'Rank 3 of the three days, with 4,320 events'
    says "$part" 'Many hosts: none of 900 sources'
    says_not "$(said calm)" '1433/tcp'
    # What is new isn't what stays, and what comes from three countries has no centre.
    knock 48 24 60 1433 50,51,60 900 100 >new
    takes_in new usual new
    part=$(said new 1433/tcp)
    says "$part" 'none in the period before'
    says_not "$part" 'stays high|Centred'
}

@test "23/tcp rose at 16:00 from NL, one source" {
    knock 64 1 300 23 61 1 5 >rise
    takes_in rise usual rise
    text=$(said rise)
    says "$text" '23/tcp left its band, 2026-11-20 16:00 – 17:00: 300 events an hour .* from NL, 61\.0\.0\.1'
    says "$(said rise 23/tcp)" 'Few hosts: 1 source sent 100% of the events'
    says "$text" '23/tcp Telnet, burst\* 300'
    says_not "$(said calm)" 'left its band|23/tcp|Netherlands'
}

@test "RU scans a very wide range of ports from few hosts" {
    knock 52 8 150 1 62 3 200 1200 >wide
    takes_in wide usual wide
    part=$(said wide Russia)
    says "$part" 'Wide: the first ten ports have only [0-9]+% of the events; 1,[0-9]+ ports in all, from 3 sources'
    says "$part" 'Few hosts: 3 sources sent 100% of the events'
    says_not "$(said calm)" 'Russia|Wide:|Few hosts'
    # Two ports of many hosts are neither.
    knock 52 8 150 3389 62 600 200 >narrow
    takes_in narrow usual narrow
    part=$(said narrow Russia)
    says "$part" 'Focused: the first ten ports have 100% of the events'
    says "$part" 'Many hosts: none of 600 sources'
    says_not "$part" 'Wide|Few hosts'
}

@test "80/tcp and 443/tcp arrive at one rate, probably spoofed" {
    # Waves: of each quarter of an hour another rate.
    for quarter in 0 1 2 3 4 5 6 7; do
        for port in 80 443; do
            knock "$(awk -v q="$quarter" 'BEGIN { print 58 + q / 4 }')" 0.25 $((400 + quarter * 5 % 8 * 150)) $port 50,51,60,61,62 2000 200
        done
    done >waves
    takes_in waves usual waves
    says "$(said waves)" '(80/tcp, 443/tcp|443/tcp, 80/tcp) arrived at one rate, 2026-11-20 10:00 – 12:00 .* probably spoofed'
    says_not "$(said calm)" 'at one rate'
    # At one of them, or at both hours apart, it is another thing.
    grep -E 'DPT=80 ' waves >one
    takes_in one usual one
    says_not "$(said one)" 'at one rate'
}

@test "there is a gap at noon, the collector was being patched" {
    grep -v T12: usual >x
    awk '$1 < "2026-11-20T13"' x | sort >morning
    awk '$1 >= "2026-11-20T13"' x | sort >evening
    "$SCANTIDE" --config conf.yaml --data data-gap import morning >/dev/null
    "$SCANTIDE" --config conf.yaml --data data-gap import evening >/dev/null
    says "$(said gap)" '2026-11-20 12:00 – 13:00: gw, nobody watched'
    says_not "$(said gap)" 'patching'
    "$SCANTIDE" --config conf.yaml --data data-gap note 'patching the collector' --from '2026-11-20 12:00' --to '2026-11-20 13:00'
    says "$(said gap)" '2026-11-20 12:00 – 13:00: patching the collector'
    # A gap isn't a fall; a log that goes on through the same hour without a line is.
    says_not "$(said gap)" 'under their bands'
    says_not "$(said calm)" 'nobody watched|patching|Gaps'
}

@test "the line was down, not the world" {
    grep -v 2026-11-20T12: usual >down
    takes_in down down
    says "$(said down)" 'series fell under their bands at once, 2026-11-20 12:00 – 13:00: probably the sensor.s line'
    says_not "$(said calm)" 'under their bands'
}
