#!/bin/sh
# flood.sh [SOURCES] - an hour of ten million sources, at one port and at random ports: memory below 200 MB, facts below
# 23 MB, their number within 2%, all heavy sources and the vertical scanner listed. Environment: SEEDS (0).
set -eu

sources=${1:-10000000}
program=${SCANTIDE:-build/scantide}
tools=${TOOLS:-build/tests}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TZ=UTC

number() { # the value of a key in JSON of a line
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | head -n 1
}

check() { # WHAT VALUE LEAST MOST
    echo "flood: $ports: $1 $2 ($3 to $4)"
    if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
        echo "flood: that is out of its bounds" >&2
        failed=1
    fi
}

failed=0
for seed in ${SEEDS:-0}; do
    for ports in one random; do
        data=$dir/$ports
        rm -rf "$data"
        "$tools/flood" "$sources" "$ports" "$seed" |
            "$tools/measure" "$dir/measured" "$program" import --data "$data" --timezone UTC - >"$dir/report" 2>&1 || {
            cat "$dir/report" >&2
            exit 1
        }
        packets=$((sources + sources * 41 / 5000)) # a multiple of 5,000 is given
        if ! grep -q __asan_init "$program"; then # a sanitizer's own memory isn't ours
            check "KiB of memory" "$(tail -n 1 "$dir/measured" | awk '{ print $2 }')" 1 200000
        fi
        check "bytes of facts" "$(wc -c <"$data/facts.db")" 1 23000000
        "$program" top countries --data "$data" --all --format json >"$dir/countries"
        check "packets" "$(head -n 1 "$dir/countries" | number events)" "$packets" "$packets"
        check "distinct sources" "$(head -n 1 "$dir/countries" | number sources)" \
            $(((sources + 41) * 98 / 100)) $(((sources + 41) * 102 / 100))
        "$program" top ports --data "$data" --all -n 0 --format csv >"$dir/ports"
        check "packets by port" "$(awk -F, 'NR > 1 { n += $3 } END { print n }' "$dir/ports")" "$packets" "$packets"
        "$program" top sources --data "$data" --all -n 41 --format csv >"$dir/sources"
        check "heavy sources listed" "$(grep -cE ',(198\.51\.100\.[0-9]+|203\.0\.113\.9),' "$dir/sources")" 41 41
        "$program" top targets --data "$data" --all -n 0 --format csv >"$dir/targets"
        check "packets by target" "$(awk -F, 'NR > 1 { n += $3 } END { print n }' "$dir/targets")" "$packets" "$packets"
    done
done
exit $failed
