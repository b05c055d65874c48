#!/bin/sh
# syslog.sh - syslog by UDP at 50,000 messages a second for 30 s, and at 150,000: sent = events + counted lost, at the first rate
# without any lost; and 1,000 idle, 50 busy, 10 slow and 10 garbage connections: the busy ones' counts are exact, memory is bounded.
# The loop's longest turn stays under 100 ms.
set -eu

program=${SCANTIDE:-build/scantide}
tools=${TOOLS:-build/tests}
port=${PORT:-25514}
dir=$(mktemp -d)
daemon=
failed=0
trap '[ -z "$daemon" ] || kill "$daemon"; rm -rf "$dir"' EXIT
export TZ=UTC
# shellcheck disable=SC3045 # dash has it
ulimit -n 8192

check() { # WHAT VALUE LEAST MOST
    echo "syslog: $1 $2 ($3 to $4)"
    if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
        echo "syslog: that is out of its bounds" >&2
        failed=1
    fi
}

begin() {
    rm -rf "$dir/data"
    : >"$dir/said"
    cat >"$dir/conf.yaml" <<END
data: $dir/data
inputs:
  - {listen: "udp://127.0.0.1:$port", timezone: UTC}
  - {listen: "tcp://127.0.0.1:$port", timezone: UTC, sensor: tcp, max_per_peer: 2000}
END
    "$program" run --config "$dir/conf.yaml" 2>"$dir/said" &
    daemon=$!
    until grep -q "tcp://.*: listens" "$dir/said"; do sleep 0.1; done
}

memory() { # of the daemon at its most, KiB
    awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status"
}

end() {
    memory=$(memory)
    kill "$daemon"
    wait "$daemon"
    daemon=
    cat "$dir/said"
    events=$(sed -n 's/.* ended: .* lines: \([0-9]*\) events.*/\1/p' "$dir/said")
    lost=$(sed -n 's/.* ended: .* \([0-9]*\) lost.*/\1/p' "$dir/said")
    turn=$(sed -n 's/.*no turn of the loop took longer than \([0-9]*\) ms/\1/p' "$dir/said")
    check "ms, the longest turn of the loop:" "$turn" 0 100
    facts=$("$program" top ports --config "$dir/conf.yaml" --all -n 0 --format csv 2>/dev/null | awk -F, 'NR > 1 { n += $3 } END { print n + 0 }')
    check "events in the facts:" "$facts" "$events" "$events"
}

for rate in 50000 150000; do
    begin
    sent=$("$tools/pelt" udp 127.0.0.1 "$port" $((rate * 30)) "$rate")
    sleep 1
    end
    check "messages sent at $rate a second, as events and lost:" $((events + lost)) "$sent" "$sent"
    [ "$rate" -gt 50000 ] || check "lost at $rate a second:" "$lost" 0 0
    check "KiB of memory:" "$memory" 1 400000
done

begin
sent=$("$tools/pelt" peers 127.0.0.1 "$port" 1000 50 10 10 20000)
end
slow=10 # a slow one may have said a message, or be torn
check "events of 50 busy connections beside 1,020 others:" "$events" "$sent" $((sent + slow))
check "KiB of memory:" "$memory" 1 400000
exit $failed
