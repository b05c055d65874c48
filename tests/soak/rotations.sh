#!/bin/bash
# rotations.sh [LINES [ROTATIONS [KILLS [SECONDS [SEED]]]]] - a writer that rotates its log in every way while the daemon is
# killed with -9 and started again: each line is counted once, but for those of which a truncation or deletion left no copy;
# that is told as a gap, with no more bytes than are missing. Once with the folder's events, once without. Says its seed, and takes it to do the same again.
set -eu

lines=${1:-1000000} rotations=${2:-200} kills=${3:-100} seconds=${4:-150} seed=${5:-$RANDOM}
program=${SCANTIDE:-build/scantide}
tools=${TOOLS:-build/tests}
dir=$(mktemp -d)
daemon="" writer=""
trap '[ -z "$daemon" ] || kill -9 "$daemon"; [ -z "$writer" ] || kill "$writer"; rm -rf "$dir"' EXIT
export TZ=UTC

start() {
    "$program" run --config "$work/conf.yaml" 2>>"$work/said" >/dev/null &
    daemon=$!
}

end() { # SIGNAL
    kill "-$1" "$daemon"
    wait "$daemon" 2>/dev/null || true
    daemon=""
}

pause() { # least and most, in ms
    sleep "$(awk -v r="$RANDOM" -v a="$1" -v b="$2" 'BEGIN { print (a + r % (b - a)) / 1000 }')"
}

sql() {
    "$program" sql --config "$work/conf.yaml" --format csv "$1" 2>/dev/null | tail -n +2
}

address() { # LINE
    number=$((0x0b000000 + $1))
    echo "$((number >> 24)).$((number >> 16 & 255)).$((number >> 8 & 255)).$((number & 255))"
}

until_there() { # ADDRESS
    for ((tries = 0; tries < 400; tries++)); do
        [ "$(sql "SELECT count(*) FROM sources WHERE source = '$1'")" = 0 ] || [ ! -e "$work/data/facts.db" ] || return 0
        sleep 0.3
    done
    echo "rotations: $1 was never counted" >&2
}

soak() { # on|off
    work=$dir/$1
    mkdir -p "$work/logs"
    export SCANTIDE_EVENTS=$1
    printf 'data: %s/data\ncommit_every: 1s\ninputs:\n  - {file: "%s/logs/log", sensor: gw, timezone: UTC}\n' "$work" "$work" >"$work/conf.yaml"
    RANDOM=$seed
    "$tools/rotator" "$work/logs" "$lines" "$rotations" "$seconds" "$seed" >"$work/written" &
    writer=$!
    start
    until_there "$(address 9)" # what is rotated before a log is known is left alone
    touch "$work/logs/go"
    end KILL
    for ((i = 0; i < kills; i++)); do
        start
        pause 200 $((seconds * 2000 / (kills + 1) - 200))
        end KILL
    done
    start
    wait "$writer"
    writer=""
    until_there "$(address $((lines - 1)))"
    sleep 3 # for what a held file got last
    end TERM
    gaps=$(sql "SELECT count(*), CAST(coalesce(sum(substr(text, 10)), 0) AS INTEGER) FROM coverage WHERE state = 'truncated'")
    sql "SELECT source, sum(events) FROM sources GROUP BY source" |
        awk -F, -v gaps="${gaps%,*}" -v told="${gaps#*,}" -v lines="$lines" -v first=$((0x0b000000)) -v events="$1" '
            FNR == NR {
                if ($0 ~ /^may lose/) {
                    split($0, w, " ")
                    for (i = w[3]; i < w[4]; i++) {
                        allowed[i] = w[5]
                        range[i] = w[3]
                    }
                }
                next
            }
            {
                gsub(/"/, "")
                split($1, ip, ".")
                i = ip[1] * 16777216 + ip[2] * 65536 + ip[3] * 256 + ip[4] - first
                count[i] += $2
            }
            END {
                for (i = 0; i < lines; i++) {
                    if (count[i] == 1) once++
                    else if (count[i] > 1) { twice++; if (twice <= 5) print "counted " count[i] " times: line " i }
                    else if (i in allowed) gone[allowed[i]]++
                    else { lost++; if (lost <= 5) print "lost: line " i }
                }
                for (how in gone) missing += gone[how]
                if (told > missing * 190) { # a line has 167 to 184 bytes
                    printf "rotations: %d bytes were told as unread, and only %d lines are missing\n", told, missing
                    wrong++
                }
                for (i in allowed) # of a log that was known; one that came and went unseen tells nothing
                    if (count[i]) seen[range[i]]
                    else short[range[i]]
                for (i in short) untold += (i in seen) && !gaps
                if (untold) { print "rotations: no gap was told"; wrong++ }
                printf "rotations: events %s: %d lines: %d once, %d twice, %d lost; " \
                    "without a copy %d truncated, %d deleted, told as %d gaps of %d bytes at least\n",
                    events, lines, once, twice, lost, gone["truncated"], gone["deleted"], gaps, told
                exit wrong > 0 || twice > 0 || lost > 0 || once < lines / 2
            }' "$work/written" - || {
        cp -r "$work" "${KEEP:-$dir}/failed" 2>/dev/null || true
        return 1
    }
    if [ "$(grep -c truncated "$work/written")" -gt 5 ] && ! grep -q 'was truncated when it had been read' "$work/said"; then
        echo "rotations: no truncation was told" >&2
        return 1
    fi
}

echo "rotations: seed $seed"
status=0
for events in on off; do
    soak "$events" || status=1
done
exit $status
