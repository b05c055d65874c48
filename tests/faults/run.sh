#!/bin/bash
# run.sh [STEP...] - kills scantide at every named step of src/base/fault.c, and proves that a restart ends exact.
#
# `make faults` calls it, with a build of its own in $BUILD. For each step (or those named), for `import` and for `run` where
# it passes there: ROUNDS times it is killed at a random pass of the step, in every second round once more at any other step
# while it mends that, and then left in peace. In the end rankings, series and their files must be those of an undisturbed
# import of the same lines. A step that is passed nowhere is a failure, too.
#
# Environment: ROUNDS (20), DAYS and RATE of the simulated log, MODES (import run), JOBS at a time, SEED. What failed is kept.
set -u

build=$(cd "${BUILD:-build/faults}" && pwd) || exit 1
scantide=$build/scantide
rounds=${ROUNDS:-20} modes=${MODES:-import run} jobs=${JOBS:-$(($(nproc) * 2))} seed=${SEED:-$RANDOM}
work=$(mktemp -d "${TMPDIR:-/tmp}/scantide-faults.XXXXXX")
SCANTIDE_SHARE=${SCANTIDE_SHARE:-$(cd "$(dirname "$0")/../.." && pwd)}
export TZ=UTC LC_ALL=C SCANTIDE_SHARE
unset SCANTIDE_FAULT SCANTIDE_FAULT_COUNTS SCANTIDE_CLOCK

steps=$(SCANTIDE_FAULT=list "$scantide" | cut -d ' ' -f 1)
[ -n "$steps" ] || {
    echo "run.sh: $scantide has no fault points: make faults builds one that has" >&2
    exit 1
}
mapfile -t any_step <<<"$steps"
[ $# -eq 0 ] || steps=$*

# ---- the log, in parts ----

utc() { # SECONDS
    date -d "@$1" +%Y-%m-%dT%H:%M:%SZ
}

# It ends an hour ago, so that all its bins are over. Two cuts, each where a bin ends, so that what follows isn't late.
end=$(($(date +%s) / 3600 * 3600 - 3600))
days=${DAYS:-0.5} rate=${RATE:-0.7}
first=$(awk -v end="$end" -v days="$days" 'BEGIN { print int((end - days * 86400) / 3600 + 1) * 3600 }')
cut_a=$(((first + (end - first) / 3) / 300 * 300)) cut_b=$(((first + (end - first) * 2 / 3) / 300 * 300))
"$scantide" simulate --days "$days" --rate "$rate" --seed "$((seed % 1000))" \
    --end "$(utc "$end")" >"$work/whole" || exit 1
awk -v a="$(date -d "@$cut_a" '+%b %e %H:%M:%S')" -v b="$(date -d "@$cut_b" '+%b %e %H:%M:%S')" -v to="$work/part" '
    { at = substr($0, 1, 15); part = part ? part : "a" }
    part == "a" && at >= a { part = "b" }
    part == "b" && at >= b { part = "c" }
    { print >(to "." part) }' "$work/whole"
# What is long past for this build, which keeps sources for a day and bins for two.
"$scantide" simulate --days 0.1 --rate "$rate" --seed "$((seed % 1000 + 1))" \
    --end "$(utc $((end - 5 * 86400)))" >"$work/old" || exit 1
events=$(cat "$work/whole" "$work/old" | grep -c ' DROP IN=')

configure() { # FOLDER
    printf 'data: %s/data\ncommit_every: 1s\nlate: 0s\nseries: {max_ports: 20}\ninputs:\n  - {file: "%s/log", sensor: gw, timezone: UTC}\n' \
        "$1" "$1" >"$1/conf.yaml"
}

st() { # COMMAND... in the current folder
    "$scantide" "$@" --config conf.yaml 2>>said
}

# ---- the truth, and what is compared with it ----

# Rankings of what is thinned and of what isn't, and what the RRDs say from the first bin to the last: events and sources of each bin, and of whole hours.
figures() { # DATA
    local what file all
    for what in ports countries pairs sources targets; do
        for all in '' --with-excluded; do
            st top "$what" --data "$1" --from "$(utc $((end - 6 * 86400)))" --to "$(utc "$first")" -n 0 --format csv $all || return
            st top "$what" --data "$1" --from "$(utc "$first")" -n 0 --format csv $all || return
        done
    done
    find "$1/rrd" -type f -printf '%P\n' | grep -v '^\.inflight$' | sort | while read -r file; do
        for step in 300 3600; do
            echo "fetch $1/rrd/$file AVERAGE -r $step -s $first -e $((end - 3600))"
        done
        echo "$file" >&3
    done 3>&1 >fetches
    rrdtool - <fetches | awk '/^ERROR/ { print } NF == 3 || NF == 2 {
        printf "%s", $1
        for (i = 2; i <= NF; i++) printf " %s", $i ~ /nan/ ? "-" : sprintf("%.0f", $i * 3600)
        print ""
    }'
    sqlite3 "$1/facts.db" 'PRAGMA integrity_check'
}

same() { # DATA WANT: exact?
    figures "$1" >got 2>&1
    cmp -s got "$work/$2" && return
    diff "$work/$2" got | head -n 20 >difference
    return 1
}

counted() { # DATA
    st top ports --data "$1" --all -n 0 --format csv | awk -F, 'NR > 1 { n += $3 } END { print n + 0 }'
}

# ---- import: two logs, of which the older is thinned; a chart with its pairs; the log grown past a bin's end; an older one, for which series are made again,
# while rules change; a rebuild; all of it pruned, and taken in again ----

import_steps=7

# Of a span that is known when it is drawn first, so that it has the same pairs whatever came by then.
chart() {
    st graph port 23/tcp --from "$(utc "$cut_a")" --to "$(utc "$cut_b")" --print -o chart.png "$@" >/dev/null
}

import_step() { # NUMBER
    configure "$PWD"
    [ "$1" -lt 4 ] || echo "exclude: [$excluded]" >>conf.yaml
    case $1 in
    1)
        cat "$work/part.b" >log
        st import --sensor gw --timezone UTC "$work/old" log >/dev/null
        return
        ;;
    2)
        chart
        return
        ;;
    3) cat "$work/part.b" "$work/part.c" >log ;;
    4) cat "$work/part.a" >log ;;
    5)
        st rebuild >/dev/null
        return
        ;;
    6) # there may be nothing left to remove
        st prune --sensor gw --from "$(date -d "@$((first - 86400))" +%Y-%m-%d)" --to "$(date -d "@$((end + 86400))" +%Y-%m-%d)" --yes >/dev/null
        return $(($? == 137 ? 137 : 0))
        ;;
    7) cp "$work/whole" log ;;
    esac
    st import --sensor gw --timezone UTC log >/dev/null
}

# Folders with the data as they are before each step, and how often each step is passed.
prepare_import() {
    local k
    mkdir -p "$work/import"
    cd "$work/import" || exit 1
    configure "$PWD"
    mkdir before.1
    for ((k = 1; k <= import_steps; k++)); do
        [ "$k" -eq 1 ] || cp -r data "before.$k"
        SCANTIDE_FAULT_COUNTS=$PWD/counts.$k import_step "$k" || exit 1
    done
    same data want.import || broken "import in parts"
}

try_import() { # STEP: one attempt; 0 exact, 1 not; `killed` says whether it came to the step
    local step=$1 k n counts at=() pick
    for ((k = 1; k <= import_steps; k++)); do
        counts=$(awk -v step="$step" '$1 == step { print $2 }' "$work/import/counts.$k")
        [ "$counts" -eq 0 ] || at+=("$k:$counts")
    done
    pick=${at[RANDOM % ${#at[@]}]}
    k=${pick%:*} n=$((RANDOM % ${pick#*:} + 1))
    rm -rf data
    [ "$k" -eq 1 ] || cp -r "$work/import/before.$k" data
    SCANTIDE_FAULT=$step:$n import_step "$k"
    [ $? -eq 137 ] && killed=1
    how="import $k, $step:$n"
    if [ $((RANDOM % 2)) -eq 0 ]; then
        local other=${any_step[RANDOM % ${#any_step[@]}]}:$((RANDOM % 5 + 1))
        SCANTIDE_FAULT=$other import_step "$k"
        how="$how, then $other"
    fi
    while [ "$k" -le $import_steps ]; do
        import_step "$k" || return
        k=$((k + 1))
    done
    same data want.import
}

# ---- run: part a is known, the rest is appended in pieces; twice the log is renamed away ----

write_log() {
    local i
    for ((i = 0; i < 12; i++)); do
        if [ $((i % 5)) -eq 4 ]; then
            [ ! -e log.1 ] || mv log.1 log.2
            mv log log.1
        fi
        cat "$work/run/piece.$(printf %02d "$i")" >>log
        sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
    done
    : >all_written
}

alive() {
    kill -0 "$daemon" 2>/dev/null
}

# Whether it makes series in slices, which a daemon that is told to stop leaves to the next start.
slicing() {
    awk '/facts are kept|RRD files are made/ { s = 0 } /RRD files are still to be made/ { s = 1 } END { exit !s }' said
}

# Whether no series waits to be made again.
whole() {
    [ "$(sqlite3 data/facts.db 'SELECT count(*) FROM series WHERE late <> rebuilt')" = 0 ]
}

# The daemon, until it dies or has taken in everything and is told to stop. Its exit status, which is SIGTERM's where it was
# told so before it could heed it.
live() { # FAULT
    local lives
    lives=$(grep -c 'facts are kept' said)
    SCANTIDE_FAULT=$1 "$scantide" run --config conf.yaml 2>>said &
    daemon=$!
    while alive && { [ ! -e all_written ] || [ "$(grep -c 'facts are kept' said)" -eq "$lives" ] ||
        [ "$(counted data)" -lt "$events" ] || slicing || { [ -n "${patient-}" ] && ! whole; }; }; do
        sleep 0.1
    done
    kill "$daemon" 2>/dev/null
    wait "$daemon"
}

begin_run() {
    rm -rf data log log.1 log.2 all_written
    cp -r "$work/run/before" data
    cp "$work/part.a" log
    write_log &
    writer=$!
}

prepare_run() {
    mkdir -p "$work/run"
    cd "$work/run" || exit 1
    configure "$PWD"
    cat "$work/part.b" "$work/part.c" >rest
    split -d -n l/12 rest piece.
    cp "$work/part.a" log
    SCANTIDE_FAULT=folded:1 st import --sensor gw --timezone UTC "$work/old" log >/dev/null 2>&1 # so that it has something to fold
    mv data before
    begin_run
    SCANTIDE_FAULT_COUNTS=$PWD/counts.1 live ''
    wait "$writer"
    same data want.run || broken "run, undisturbed"
}

try_run() { # STEP
    local step=$1 n status
    n=$(awk -v step="$step" '$1 == step { print $2 }' "$work/run/counts.1")
    n=$((RANDOM % n + 1))
    begin_run
    live "$step:$n"
    status=$?
    how="run, $step:$n"
    [ $status -eq 137 ] && killed=1
    if [ $status -ne 0 ] && [ $((RANDOM % 2)) -eq 0 ]; then
        local other=${any_step[RANDOM % ${#any_step[@]}]}:$((RANDOM % 5 + 1))
        live "$other"
        status=$?
        how="$how, then $other"
    fi
    if [ $status -ne 0 ]; then
        live ''
        status=$?
    fi
    if [ $status -eq 143 ]; then
        live ''
        status=$?
    fi
    wait "$writer"
    [ $status -eq 0 ] || return
    same data want.run && return
    # Told to stop while it made series in slices, or before it thinned, it left the rest to the next start, as it may.
    next=$((next + 1))
    for _ in 1 2 3; do
        patient=1 live ''
        same data want.run && return
    done
    return 1
}

# ---- all of it ----

broken() { # WHAT
    echo "FAILED  $1: not what an undisturbed import gives, in $PWD"
    cat difference
    echo "0 passed, 1 failed"
    exit 1
}

passes() { # MODE STEP: whether it is passed there
    cat "$work/$1"/counts.* | awk -v step="$2" '$1 == step { n += $2 } END { exit n == 0 }'
}

# Rounds of one step; an attempt in which the step wasn't reached is compared, but not counted.
prove() { # MODE STEP
    local mode=$1 step=$2 done=0 failed=0 attempts=0 next=0 killed how
    mkdir -p "$work/$mode.$step"
    cd "$work/$mode.$step" || exit 1
    RANDOM=$((seed + $(printf %s "$mode $step" | cksum | cut -c 1-4)))
    configure "$PWD"
    while [ "$((done + failed))" -lt "$rounds" ] && [ "$attempts" -lt $((rounds * 3)) ]; do
        attempts=$((attempts + 1)) killed=
        : >said
        if "try_$mode" "$step" 2>/dev/null; then # the shell tells of each kill
            [ -z "$killed" ] || done=$((done + 1))
            continue
        fi
        failed=$((failed + 1))
        echo "FAILED  $how: not exact; kept in $PWD/failed.$failed"
        mkdir "failed.$failed"
        mv data said difference log* "failed.$failed/" 2>/dev/null
        sed 's/^/        /' "failed.$failed/difference" 2>/dev/null
    done
    [ "$((done + failed))" -eq "$rounds" ] || { # a step that can hardly be reached again is no proof
        failed=$((rounds - done))
        echo "FAILED  $mode $step: killed only $done times in $attempts attempts"
    }
    [ "$failed" -ne 0 ] || echo "ok      $mode $step ($done of $rounds exact$([ "$next" -eq 0 ] || echo ", $next by the next start"))"
    echo "$done $failed" >>"$work/results"
    rm -rf data log log.1 log.2
}

undisturbed() { # WANT
    rm -rf undisturbed
    st import --sensor gw --timezone UTC --data "$work/undisturbed" old log >/dev/null || {
        cat said >&2
        exit 1
    }
    [ "$1" != want.import ] || chart --data "$work/undisturbed" || exit 1
    figures undisturbed >"$1"
}

cd "$work" || exit 1
configure "$work"
cp whole log
undisturbed want.run
# The busiest sources are ruled out, but for those of the port that is drawn, since its pairs are chosen before, and those of
# what is long past, since sketches can't lose them any more.
sources() { # ARGUMENT...
    st top sources --data "$work/undisturbed" -n 0 --format csv "$@" | awk -F, 'NR > 1 { print $2 }'
}
excluded=$(sources --all | grep -vxF -e "$(sources --all --port 23/tcp)" -e "$(sources --from "$(utc $((end - 6 * 86400)))" --to "$(utc "$first")")" |
    head -n 3 | paste -sd ,)
echo "exclude: [$excluded]" >>conf.yaml
undisturbed want.import
rm -r log undisturbed
echo "$(wc -l <whole) lines with $events events, $(grep -c '\.rrd$' want.run) series; seed $seed, in $work"
for mode in $modes; do
    (prepare_"$mode") || exit 1
done

: >results
for mode in $modes; do
    for step in $steps; do
        passes "$mode" "$step" || continue
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
            wait -n
        done
        prove "$mode" "$step" &
    done
done
wait
for step in $steps; do
    [ -z "${MODES-}" ] || continue
    for mode in $modes; do
        ! passes "$mode" "$step" || continue 2
    done
    echo "FAILED  $step: passed nowhere"
    echo "0 1" >>results
done
summary=$(awk '{ p += $1; f += $2 } END { print p + 0, "passed,", f + 0, "failed" }' results)
case $summary in
*" 0 failed") cd / && rm -rf "$work" ;;
esac
echo "$summary"
[[ $summary == *" 0 failed" && $summary != 0* ]]
