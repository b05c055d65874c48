#!/usr/bin/env bats
# A stack's layers and `other` add up to the series' own line in every hour, the legend's sums are the facts', and time that nobody
# watched is unknown: shaded, in no layer, never zero.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}" "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC XDG_CACHE_HOME=$BATS_TEST_TMPDIR
    printf '%s\n' '1.0.0.0/8 CN' '5.0.0.0/8 RU' '45.0.0.0/8 US' '80.0.0.0/4 NL' |
        "$TOOLS/mkmmdb" --schema iso >country.mmdb
    echo "geo: {country: $PWD/country.mmdb}" >conf.yaml
    # Two logs with the hours from 08:00 to 10:00 between them.
    "$SCANTIDE" simulate --days 1 --rate 0.5 --end 2026-11-24T00:00:00Z >all.log
    awk '$3 < "08:00:00"' all.log >before.log
    awk '$3 >= "10:00:00"' all.log >after.log
    "$SCANTIDE" import --config conf.yaml --data data before.log after.log >/dev/null
}

graph() {
    "$SCANTIDE" graph --config conf.yaml --data data --from 2026-11-23 --to 2026-11-24 "$@"
}

# Into `rows`, an hour a line: total, unknown, each layer of a printed command, by rrdtool itself.
hours() {
    graph "$@" -o a.png --print >command.sh
    layers=$(sed -n "s/^ *'AREA:\(bars_[A-Za-z0-9_]*\)#.*/\1/p" command.sh)
    {
        printf 'TZ=UTC LC_ALL=C.UTF-8 rrdtool xport --start 1795392000 --end 1795478400 '
        grep -E "^ *'?C?V?DEF:" command.sh | grep -vE 'slit|VDEF:[a-qs-z]|part_' | tr -d '\\\n'
        for v in bars_total unknown $layers; do printf ' XPORT:%s' "$v"; done
    } >export.sh
    sh ./export.sh | sed -n 's/<row>//; s/<\/row>//; s/<v>/ /g; s/<\/v>//gp' >rows
}

@test "the layers add up to the line, hour by hour" {
    for what in 'port 22/tcp' 'country NL' 'total --by port' 'total --by country'; do
        # shellcheck disable=SC2086 # two words
        hours $what --layers 3
        [ "$(wc -l <rows)" -eq 24 ]
        [ "$(echo "$layers" | wc -l)" -eq 4 ] # three and other
        awk '$1 != "NaN" {
                sum = 0
                for (i = 3; i <= NF; i++) sum += $i
                if (sum - $1 > 1e-6 || $1 - sum > 1e-6) { print "hour", NR - 1, ":", $0; bad = 1 }
                seen++
            }
            END { exit bad || seen != 22 }' rows
    done
}

@test "two hours are unknown, in every layer" {
    hours port 22/tcp
    awk '{
            gap = NR == 9 || NR == 10
            for (i = 1; i <= NF; i++)
                if (i != 2 && ($i == "NaN") != gap) { print "hour", NR - 1, "column", i, ":", $0; bad = 1 }
            if (($2 == "NaN") == gap) { print "hour", NR - 1, "shaded wrongly:", $0; bad = 1 }
        }
        END { exit bad || NR != 24 }' rows
}

shades() { # how many shapes of an SVG have the colour of unknown time, F1E7D3
    grep -cE 'rgb\(94\.509804%, ?90\.588235%, ?82\.745098%\)' "$1" || true
}

@test "unknown time is shaded in the picture, and only then" {
    graph port 22/tcp -o gap.svg
    [ "$(shades gap.svg)" -eq 2 ] # the column and its place in the legend
    "$SCANTIDE" graph --config conf.yaml --data data port 22/tcp --from '2026-11-23 11:00' --to 2026-11-24 -o full.svg
    [ "$(shades full.svg)" -eq 0 ]
}

@test "the legend's sums are the facts', to the last bin of the span" {
    span='--from 2026-11-23 --to 2026-11-23T20:00:00Z'
    for what in 'port 22/tcp' 'country NL'; do
        # shellcheck disable=SC2086 # words
        "$SCANTIDE" graph --config conf.yaml --data data $what $span -o a.png --print | sed 's/rrdtool graph/rrdtool graphv/' >command.sh
        total=$(sh ./command.sh | grep '^legend' | sed -n '/"  total"$/ { n; s/.*" *\([0-9]*\)"$/\1/p; }')
        # shellcheck disable=SC2086 # words
        events=$("$SCANTIDE" top ports --config conf.yaml --data data --$what $span -n 0 --format json |
            sed -n 's/.*"events":\([0-9]*\),"sources":[0-9]*,"sources_exact":[a-z]*,"rows".*/\1/p')
        [ "$events" -gt 0 ]
        [ "$total" -eq "$events" ]
    done
}
