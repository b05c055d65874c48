# scantide import: every figure equals what an independent count (awk, mmdblookup, rrdtool) gives, to the event.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    : "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC LC_ALL=C
    printf '%s\n' '58.0.0.0/8 CN' '61.0.0.0/9 JP' '111.0.0.0/8 CN' '5.0.0.0/8 RU' '95.28.0.0/15 RU' \
        '95.30.7.0/25 EE' '100.128.0.0/9 US' '2a00::/12 NL' | "$TOOLS/mkmmdb" --schema iso >country.mmdb
    printf 'geo:\n  country: %s/country.mmdb\ndata: %s/data\n' "$PWD" "$PWD" >conf.yaml
}

st() {
    command=$1
    shift
    "$SCANTIDE" "$command" --config conf.yaml "$@"
}

# Counts dropped packets of the simulator's log by port and by source, knowing nothing of scantide: "KEY EVENTS" lines.
cat >"$BATS_FILE_TMPDIR/count.awk" <<'AWK'
/ kernel: \[[ .0-9]*\] DROP IN=/ {
    head = $0
    sub(/ \[SRC=.*/, "", head)
    for (k in f) delete f[k]
    n = split(head, word, " ")
    for (i = 1; i <= n; i++) {
        at = index(word[i], "=")
        if (at && !(substr(word[i], 1, at - 1) in f)) f[substr(word[i], 1, at - 1)] = substr(word[i], at + 1)
    }
    proto = f["PROTO"]
    if (proto == "TCP" || proto == "UDP") key = (("DPT" in f) ? f["DPT"] : "frag") "/" tolower(proto)
    else if (proto == "ICMP") key = f["TYPE"] "/icmp"
    else if (proto == "ICMPv6") key = f["TYPE"] "/icmp6"
    else key = proto "/ip"
    ports[key]++
    sources[f["SRC"]]++
    if (!((key, f["SRC"]) in pair)) { pair[key, f["SRC"]] = 1; distinct[key]++ }
    hour = key " " $1 " " $2 " " substr($3, 1, 2)
    if (++hourly[hour] == 10) busy[key] = 1
    events++
}
END {
    for (key in ports) print key, ports[key], distinct[key] >"want.ports"
    for (key in sources) print key, sources[key] >"want.sources"
    for (key in busy) print key >"want.busy"
    print events + 0 >"want.events"
}
AWK

count() {
    awk -f "$BATS_FILE_TMPDIR/count.awk" "$@"
}

@test "ports, their distinct sources, and sources equal awk's count" {
    "$SCANTIDE" simulate --days 0.3 --rate 4 --seed 3 --end 2026-11-24T10:00:00Z >log
    count log
    st import log >report
    [ "$(awk '$1 == "events" { print $2 }' report)" = "$(cat want.events)" ]
    st top ports --all -n 0 --format csv | awk -F, 'NR > 1 { print $2, $3, $5 }' | sort >got
    sort want.ports | diff - got
    # IPv6 is written in full in the log and in short in the ranking: compare the IPv4 sources.
    st top sources --all -n 0 --format csv | awk -F, 'NR > 1 && $2 !~ /:/ { print $2, $3 }' | sort >got
    grep -v : want.sources | sort | diff - got
    [ "$(grep -c : want.sources)" = "$(st top sources --all -n 0 --format csv | cut -d, -f2 | grep -c :)" ]
}

@test "a log within one hour, of 100,000 lines, is counted as exactly" {
    "$SCANTIDE" simulate --days 0.04 --rate 40 --seed 5 --end 2026-11-24T10:00:00Z >log
    count log
    st import log >/dev/null
    st top ports --all -n 0 --format csv | awk -F, 'NR > 1 { print $2, $3, $5 }' | sort >got
    sort want.ports | diff - got
}

@test "each source has the country that mmdblookup gives, and countries sum their sources" {
    "$SCANTIDE" simulate --days 0.02 --rate 1 --seed 9 --end 2026-11-24T10:00:00Z >log
    st import log >/dev/null
    st top sources --all -n 0 --format json | tr '{' '\n' | sed -n 's/.*"key":"\([^"]*\)","events":\([0-9]*\).*"country":"\([^"]*\)".*/\1 \2 \3/p' >rows
    [ -s rows ]
    while read -r ip events country; do
        want=$(mmdblookup --file country.mmdb --ip "$ip" country iso_code 2>/dev/null | sed -n 's/.*"\(..\)".*/\1/p')
        case "$ip" in 192.0.2.* | 10.* | 192.168.* | fe80:* | 2001:db8:*) want=-- ;; esac
        [ "${want:-ZZ}" = "$country" ] || { echo "$ip: want ${want:-ZZ}, got $country" >&2; false; }
    done <rows
    awk '{ sum[$3] += $2 } END { for (c in sum) print c, sum[c] }' rows | sort >want
    st top countries --all -n 0 --format csv | awk -F, 'NR > 1 { print $2, $3 }' | sort | diff want -
}

@test "lines = events + ignored + unmatched + lost, whatever the mix" {
    "$SCANTIDE" simulate --days 0.05 --end 2026-11-24T10:00:00Z >log
    printf 'no firewall line\n\n\0\0Nov 24 10:00:00 gw kernel: [1.0] cut IN=eth0 SRC=192.0.2' >>log
    touch -d '-10 minutes' log # so it has its last line, too
    st import log >report
    awk '$1 == "lines" { lines = $2 } $1 ~ /^(events|ignored|unmatched|lost)$/ { sum += $2 } END { exit lines != sum }' report
    [ "$(awk '$1 == "lines" { print $2 }' report)" = "$(awk 'END { print NR }' log)" ]
}

@test "the same log again adds nothing, a grown copy only what is new, a shorter one nothing" {
    "$SCANTIDE" simulate --days 0.1 --end 2026-11-24T10:00:00Z >whole
    head -n 5000 whole >log
    st import log >/dev/null
    st import log >report
    [ "$(awk '$1 == "lines" { print $2 }' report)" = 0 ]
    cp whole elsewhere
    st import elsewhere >report
    [ "$(awk '$1 == "lines" { print $2 }' report)" = "$(($(wc -l <whole) - 5000))" ]
    st import log whole >report
    [ "$(awk '$1 == "lines" { print $2 }' report)" = 0 ]
    "$SCANTIDE" import --config conf.yaml --data once whole >/dev/null
    st top pairs --all -n 0 --format csv >a
    "$SCANTIDE" top pairs --data once --all -n 0 --format csv | diff a -
}

@test "logs in any order give the facts and the RRDs of the right order" {
    "$SCANTIDE" simulate --days 0.2 --end 2026-11-24T10:00:00Z >whole
    split -n l/4 whole part.
    st import part.ad part.ab part.aa part.ac >/dev/null
    "$SCANTIDE" import --config conf.yaml --data once whole >/dev/null
    for what in ports countries sources pairs targets; do
        st top $what --all -n 0 --format csv >a
        "$SCANTIDE" top $what --data once --all -n 0 --format csv | diff a -
    done
    for rrd in $(cd once/rrd && find . -name '*.rrd'); do
        rrdtool fetch "once/rrd/$rrd" AVERAGE -r 300 -s 20261123 -e 20261125 >a
        rrdtool fetch "data/rrd/$rrd" AVERAGE -r 300 -s 20261123 -e 20261125 | diff a - || { echo "$rrd differs" >&2; false; }
    done
}

@test "total, every country and every port with 10 events in a clock hour have an RRD that sums to the facts" {
    "$SCANTIDE" simulate --days 3 --rate 0.5 --seed 4 --end 2026-11-24T10:00:00Z >log
    count log
    st import log >/dev/null
    sum() {
        rrdtool fetch "data/rrd/gw/$1.rrd" AVERAGE -r 300 -s 'end-10d' -e "$(rrdtool last "data/rrd/gw/$1.rrd")" |
            awk '/:/ && $2 !~ /nan/ { s += $2 * 300 } END { printf "%.0f\n", s }'
    }
    [ "$(sum total)" = "$(cat want.events)" ]
    sed 's,/,-,' want.busy | sort >want
    (cd data/rrd/gw/port && ls | sed 's/\.rrd$//') | sort | diff want -
    while read -r port; do
        [ "$(sum "port/$port")" = "$(awk -v key="$(echo "$port" | sed 's,-,/,')" '$1 == key { print $2 }' want.ports)" ]
    done <want
    st top countries --all -n 0 --format csv | awk -F, 'NR > 1 { print $2, $3 }' >countries
    while read -r country events; do
        [ "$(sum "country/$country")" = "$events" ]
    done <countries
    [ "$(ls data/rrd/gw/country | wc -l)" = "$(wc -l <countries)" ]
}

@test "stdin is counted each time, and the second time is warned of" {
    "$SCANTIDE" simulate --days 0.01 --end 2026-11-24T10:00:00Z >log
    st import - <log >/dev/null
    run --separate-stderr st import - <log
    [ "$status" -eq 0 ]
    [[ $stderr == *"count them twice"* ]]
    [ "$(st top ports --all --format json | sed -n 's/.*"events":\([0-9]*\),"sources".*rows.*/\1/p')" = "$(($(grep -c ' DROP IN=' log) * 2))" ]
}
