#!/bin/bash
# series-20000.sh - a daemon with 20,000 live series: how long a step's updates take, and what they write.
#
# Makes all files first (8 GB in build/soak), then waits for two steps of five minutes. Says seconds and bytes of each, and
# the longest turn of the daemon's loop; ends badly where a step takes more than 5 s, or a turn more than 50 ms. PORTS=2000
# for a smaller one.
set -eu

build=$(cd "${BUILD:-build}" && pwd)
ports=${PORTS:-20000}
soak=$build/soak
export TZ=UTC LC_ALL=C
rm -rf "$soak"
mkdir -p "$soak"
cd "$soak"
trap 'kill -9 "${daemon-}" 2>/dev/null || true; rm -rf "$soak/data"' EXIT

# Ten events of each port within the last whole hour.
date -u -d "@$(($(date +%s) / 3600 * 3600 - 3600))" '+%b %e %H' >hour
awk -v ports="$ports" -v hour="$(cat hour)" 'BEGIN {
    n = ports * 10
    for (i = 0; i < n; i++) {
        s = int(i * 3600 / n)
        printf "%s:%02d:%02d gw kernel: DROP IN=eth0 OUT= SRC=81.%d.%d.%d DST=192.0.2.1 LEN=40 TTL=244 ID=1 PROTO=TCP SPT=4000 DPT=%d WINDOW=1024 SYN URGP=0\n",
            hour, s / 60, s % 60, i % 7, i / 7 % 256, i % 251, i % ports + 1
    }
}' >log
printf 'data: %s/data\nlate: 0s\nseries: {max_ports: %d}\ninputs: [{file: %s/log, sensor: gw, timezone: UTC}]\n' \
    "$soak" "$ports" "$soak" >conf.yaml

began=$(date +%s)
"$build/scantide" run --config conf.yaml 2>said &
daemon=$!
files() {
    find data/rrd/gw -name '*.rrd' 2>/dev/null | wc -l
}
until [ "$(files)" -gt "$ports" ]; do
    kill -0 "$daemon"
    sleep 1
done
echo "$(files) files made in $(($(date +%s) - began)) s, $(du -sm data/rrd | cut -f1) MB"

written() { # bytes that the daemon has given to the disk
    awk '$1 == "write_bytes:" { print $2 }' "/proc/$daemon/io"
}
newest() { # the least and the latest time of a file's last update, and how many were updated since $1
    find data/rrd/gw -name '*.rrd' -newermt "@$1" -printf '%T@\n' | sort -n |
        awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%.3f %d\n", last - first, NR }'
}
sleep 2
worst=0
for step in 1 2; do
    since=$(date +%s)
    before=$(written)
    while read -r seconds n <<<"$(newest "$since")" && [ "$n" -le "$ports" ]; do
        kill -0 "$daemon"
        [ "$(($(date +%s) - since))" -lt 700 ]
        sleep 2
    done
    bytes=$(($(written) - before))
    echo "step $step: $n files updated in $seconds s, $((bytes >> 20)) MB written, $((bytes / n)) bytes a file"
    worst=$(awk -v a="$worst" -v b="$seconds" 'BEGIN { print (a > b ? a : b) }')
done
kill "$daemon"
wait "$daemon" || true
turn=$(sed -n 's/.*no turn of the loop took longer than \([0-9]*\) ms.*/\1/p' said)
echo "longest turn of the loop: $turn ms"
awk -v worst="$worst" -v turn="$turn" 'BEGIN { exit worst > 5 || turn == "" || turn > 50 }' || {
    echo "a step took more than 5 s, or a turn more than 50 ms"
    exit 1
}
