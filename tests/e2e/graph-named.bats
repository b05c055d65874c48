#!/usr/bin/env bats
# A chart of rrd/charts is drawn by its name, and what the call says goes before. Gaps of less than a bar, losses and the operator's
# notes are shaded and told under the chart. The band is mean and standard deviation of the facts' hourly counts.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC XDG_CACHE_HOME=$BATS_TEST_TMPDIR
}

command_of() { "$SCANTIDE" graph "$@" --from "${FROM:-2026-11-23}" --data data --to 2026-11-24 -o a.png --print; }

@test "a name stands for what its file says" {
    "$SCANTIDE" simulate --days 1 --rate 0.5 --end 2026-11-24T00:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
    FROM=2026-11-20 command_of week port 22/tcp >named
    FROM=2026-11-20 command_of port 22/tcp --band >said
    cmp named said
    cp -r "$BATS_TEST_DIRNAME/../../rrd" "$BATS_TEST_DIRNAME/../../parsers" .
    printf '%s\n' 'title: Shells' 'of: port' 'key: 22/tcp' 'by: none' 'theme: print' 'band: yes' 'layers: 3' >rrd/charts/shells.yaml
    SCANTIDE_SHARE=$PWD command_of shells >own
    grep -q '>Shells<' own
    [ "$(grep -c 'AREA:bars_' own)" -eq 1 ]
    grep -q "'CDEF:mean=" own
    grep -q 'CANVAS#FFFFFF' own
    SCANTIDE_SHARE=$PWD command_of shells country ZZ --by port >other # the call goes before
    grep -q 'DEF:bars_total_0=.*country/..\.rrd' other
}

@test "a faulty file is told with its place" {
    "$SCANTIDE" simulate --days 0.1 --rate 0.5 --end 2026-11-24T00:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
    cp -r "$BATS_TEST_DIRNAME/../../rrd" "$BATS_TEST_DIRNAME/../../parsers" .
    printf '%s\n' 'of: port' 'by: sensor' 'layers: 99' >rrd/charts/bad.yaml
    SCANTIDE_SHARE=$PWD run "$SCANTIDE" graph bad port 22/tcp --data data -o a.png
    [ "$status" -eq 2 ]
    [[ $output == *"bad.yaml:2:5: 'sensor': country, port, none or spread is meant"* ]]
    [[ $output == *'bad.yaml:3:9: must be from 1 to 20'* ]]
}

@test "a gap within an hour, a loss and a note are shaded and told" {
    "$SCANTIDE" simulate --days 1 --rate 0.5 --end 2026-11-24T00:00:00Z >all.log
    awk '$3 < "08:20:00"' all.log >before.log
    awk '$3 >= "08:50:00"' all.log >after.log
    "$SCANTIDE" import --data data before.log after.log >/dev/null
    command_of total --by none >plain
    ! grep -q 'noted' plain
    "$SCANTIDE" note 'patching the collector' --data data --from '2026-11-23 12:00' --to '2026-11-23 12:50'
    command_of total --by none >command.sh
    grep -q 'CDEF:blind=rate_total,POP,TIME,1795422000,GT,TIME,1795423800,LE,\*,INF,UNKN,IF' command.sh
    grep -q 'CDEF:noted=rate_total,POP,TIME,1795435200,GT,TIME,1795438200,LE,\*,INF,UNKN,IF' command.sh
    grep -q '08&#58;20 – 08&#58;50&#58; not watched' command.sh
    grep -q '12&#58;00 – 12&#58;50&#58; patching the collector' command.sh
    "$SCANTIDE" note --remove --data data --from '2026-11-23 12:00' --to '2026-11-23 12:50'
    command_of total --by none >again
    cmp plain again
}

@test "the band is the facts' mean and standard deviation, to 1e-6" {
    "$SCANTIDE" simulate --days 4 --rate 0.2 --end 2026-11-24T00:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
    command_of port 22/tcp --band >command.sh
    {
        printf 'TZ=UTC LC_ALL=C.UTF-8 rrdtool xport --start 1795392000 --end 1795478400 '
        grep -E "^ *'?C?V?DEF:" command.sh | grep -vE 'slit|VDEF:[a-qs-z]|part_' | tr -d '\\\n'
        echo ' XPORT:mean XPORT:band_low XPORT:band_high'
    } >export.sh
    sh ./export.sh | sed -n 's/<row>//; s/<t>[0-9]*<\/t>//; s/<\/row>//; s/<v>/ /g; s/<\/v>//gp' >drawn
    # Hours of the facts without an event are none of the sum: zeros are added here.
    "$SCANTIDE" export --data data --from 2026-11-21 --to 2026-11-24 | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        $column["port"] == "22/tcp" {
            split($2, t, /[-T:Z]/)
            n[(t[3] - 21) * 24 + t[4]] += $column["events"]
        }
        END {
            for (h = 48; h < 72; h++) {
                sum = square = 0
                for (i = h - 47; i <= h; i++) { sum += n[i]; square += n[i] * n[i] }
                mean = sum / 48; v = square / 48 - mean * mean; s = v > 0 ? 1.645 * sqrt(v) : 0
                printf "%.10f %.10f %.10f\n", mean, (mean - s > 0 ? mean - s : 0), mean + s
            }
        }' >computed
    [ "$(wc -l <drawn)" -eq 24 ]
    paste drawn computed | awk '
        { for (i = 1; i <= 3; i++) { d = $i - $(i + 3); if (d < 0) d = -d; if (!(d < 1e-6)) { print NR ": " $0; bad = 1 } } seen++ }
        END { exit bad || seen != 24 }'
}

@test "a spread has a stroke a port, in the colour of its protocol" {
    for packet in 'TCP 22' 'TCP 22' 'TCP 60000' 'UDP 123'; do
        echo "2026-11-23T10:00:00Z gw kernel: DROP IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.1 LEN=60 PROTO=${packet% *} SPT=4000 DPT=${packet#* } LEN=40"
    done >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
    "$SCANTIDE" graph spread --data data --from 2026-11-23 --to 2026-11-24 -o a.svg
    # Two ports and the key; one port and the key.
    [ "$(grep 'fill:rgb(20%,13.333333%,53.333333%)\|fill="rgb(20%, 13.333333%, 53.333333%)"' a.svg | grep -o ' Z' | wc -l)" -eq 3 ]
    [ "$(grep 'fill:rgb(80%,40%,46.666667%)\|fill="rgb(80%, 40%, 46.666667%)"' a.svg | grep -o ' Z' | wc -l)" -eq 2 ]
    "$SCANTIDE" graph country US --by spread --theme dark --data data --last 1d -o b.png
    [ "$(head -c 4 b.png | tail -c 3)" = PNG ]
    run "$SCANTIDE" graph spread --data data -o a.svg --print
    [ "$status" -eq 2 ]
}
