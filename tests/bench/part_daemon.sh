# What the daemon costs: to its first line, at rest, following a file that grows fast, hearing syslog.
# shellcheck shell=sh disable=SC2154 # run.sh's variables

start_run() {
    timed start "$scantide" explain --timezone UTC "$dir/line" >/dev/null
}
part_start() {
    section start "start"
    "$tools/benchlog" 1 >"$dir/line"
    in_turn start_run start_run start_run
    row "start to the first line's event, all parser files: wall" "$(compute "$(of start wall) * 1000" %.0f)" ms "under 50"
    row "start to the first line's event: processor" "$(compute "$(of start cpu) * 1000" %.0f)" ms "under 50"
}

# daemon_starts INPUT: as `daemon`, with a configuration in daemon.yaml; until it has begun
daemon_starts() {
    rm -rf "$dir/daemon.data" "$dir/daemon.said"
    conf "$dir/daemon.data" "inputs: [$1]" >"$dir/daemon.yaml"
    "$scantide" run --config "$dir/daemon.yaml" 2>"$dir/daemon.said" &
    daemon=$!
    waited=0
    until grep -qE 'is read from|is waited for|listens|reads on' "$dir/daemon.said" 2>/dev/null; do
        waited=$((waited + 1))
        [ "$waited" -lt 300 ] || fail "the daemon doesn't start: $(cat "$dir/daemon.said")"
        sleep 0.1
    done
}

daemon_ends() {
    kill "$daemon"
    wait "$daemon" || fail "the daemon ended badly: $(cat "$dir/daemon.said")"
    daemon=
    turn=$(sed -n 's/.*no turn of the loop took longer than \([0-9]*\) ms.*/\1/p' "$dir/daemon.said")
    counted=$(sed -n 's/.* ended: .* lines: \([0-9]*\) events.*/\1/p' "$dir/daemon.said" | awk '{ n += $1 } END { print n + 0 }')
    lost=$(sed -n 's/.* ended: .* \([0-9]*\) lost.*/\1/p' "$dir/daemon.said" | awk '{ n += $1 } END { print n + 0 }')
}

part_idle() {
    seconds=30
    section idle "at rest: a followed file, a syslog listener"
    "$tools/benchlog" 1000 >"$dir/idle.log"
    daemon_starts "{file: '$dir/idle.log', timezone: UTC}, {listen: 'udp://127.0.0.1:25513', timezone: UTC}"
    sleep 12 # its first lines are committed and drawn
    before=$(cpu_of "$daemon") wakeups=$(wakeups_of "$daemon")
    sleep "$seconds"
    row "processor at rest" "$(compute "($(cpu_of "$daemon") - $before) / $seconds * 100" %.3f)" "%" "under 0.1"
    row "wake-ups of all its threads: a second" "$(compute "($(wakeups_of "$daemon") - $wakeups) / $seconds" %.1f)" "" "the timer's: 1"
    daemon_ends
}

part_live() {
    rate=200000
    lines=$((3 * million))
    section live "following a file that grows by $rate lines a second"
    make_log "live.$lines.log" "$tools/benchlog" "$lines" $((lines / rate))
    : >"$dir/growing.log"
    daemon_starts "{file: '$dir/growing.log', timezone: UTC}"
    sleep 2
    all=$(cpu_of "$daemon") loop=$(cpu_of_loop "$daemon")
    "$tools/pour" "$log" "$rate" >>"$dir/growing.log" 2>"$dir/poured" &
    pour=$!
    worst=0
    while kill -0 "$pour" 2>/dev/null; do
        offset=$("$scantide" status --config "$dir/daemon.yaml" --json 2>/dev/null | jq '.inputs[0].offset') || offset=0
        size=$(stat -c %s "$dir/growing.log")
        worst=$((size - offset > worst ? size - offset : worst))
        sleep 0.2
    done
    waited=0
    until [ "$("$scantide" status --config "$dir/daemon.yaml" --json 2>/dev/null | jq '.inputs[0].offset')" = "$(stat -c %s "$log")" ]; do
        waited=$((waited + 1))
        [ "$waited" -lt 600 ] || fail "following: it doesn't come to the end"
        sleep 0.2
    done
    # Shares are of the time that the lines stand for, whatever a busy machine made of it.
    all_written=$(compute "$(cpu_of "$daemon") - $all") loop=$(compute "$(cpu_of_loop "$daemon") - $loop")
    read -r poured took <"$dir/poured"
    daemon_ends
    [ "$counted" = "$(grep -c ' DROP IN=' "$log")" ] || fail "following: $counted events were counted"
    row "written: lines a second" "$(compute "$poured * 1000 / $took" %.0f)" "" "$rate"
    row "lag at its worst" "$(compute "$worst / ($(stat -c %s "$log") / $lines) / $rate")" s "under 1"
    row "processor, reading and counting (the loop's thread)" "$(compute "$loop / ($lines / $rate) * 100" %.1f)" "%" "at most 15"
    row "processor, with commits and series" "$(compute "$all_written / ($lines / $rate) * 100" %.1f)" "%"
    row "the loop's longest turn" "$turn" ms "20"
    rm -f "$dir/growing.log"
}

# Who hears syslog: each is sent SENT messages at 50,000 a second.
port=25514
heard_ours() {
    daemon_starts "{listen: 'udp://127.0.0.1:$port', timezone: UTC}"
    sleep 1
    before=$(cpu_of "$daemon")
    "$tools/pelt" udp 127.0.0.1 $port "$sent" 50000 2>"$dir/pelted" >/dev/null
    sleep 7 # and committed
    compute "$(cpu_of "$daemon") - $before" %.3f >"$dir/heard.ours"
    daemon_ends
    echo "$counted" >"$dir/got.ours"
    echo "$lost $turn" >"$dir/lost.ours"
}

# heard_by NAME FILE PID: what is written to FILE
heard_by() {
    sleep 1
    before=$(cpu_of "$3")
    "$tools/pelt" udp 127.0.0.1 $port "$sent" 50000 2>"$dir/pelted" >/dev/null
    sleep 2
    compute "$(cpu_of "$3") - $before" %.3f >"$dir/heard.$1"
    kill "$3"
    wait "$3" || true
    wc -l <"$2" >"$dir/got.$1"
    rm -f "$2"
}

heard_rsyslog() {
    rm -rf "$dir/rsyslog.state" "$dir/rsyslog.heard" "$dir/rsyslog.pid"
    mkdir -p "$dir/rsyslog.state"
    cat >"$dir/rsyslog.conf" <<END
global(workDirectory="$dir/rsyslog.state")
main_queue(queue.size="1000000" queue.workerthreads="1")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="$port" rcvbufSize="8m" ruleset="r")
ruleset(name="r") { action(type="omfile" file="$dir/rsyslog.heard") }
END
    modules=$(find "$build/senders/rsyslog" -name imudp.so -printf '%h')
    libraries=$(find "$build/senders/rsyslog" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
    LD_LIBRARY_PATH=$libraries "$build/senders/rsyslog/usr/sbin/rsyslogd" -n -f "$dir/rsyslog.conf" -i "$dir/rsyslog.pid" -M "$modules" >"$dir/rsyslog.said" 2>&1 &
    heard_by rsyslog "$dir/rsyslog.heard" $!
}

heard_ng() {
    cat >"$dir/ng.conf" <<END
@version: 3.38
options { keep-timestamp(yes); stats-freq(0); };
source s { network(ip("127.0.0.1") port($port) transport("udp") so-rcvbuf(8388608) log-fetch-limit(1000)); };
destination d { file("$dir/ng.heard" log-fifo-size(1000000)); };
log { source(s); destination(d); };
END
    rm -f "$dir/ng.persist" "$dir/ng.heard"
    libraries=$(find "$ng" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
    LD_LIBRARY_PATH=$libraries "$ng/usr/sbin/syslog-ng" -F --no-caps -f "$dir/ng.conf" -R "$dir/ng.persist" -p "$dir/ng.pid" -c "$dir/ng.control" \
        --module-path="$dir/ng.modules" >"$dir/ng.said" 2>&1 &
    heard_by ng "$dir/ng.heard" $!
}

beside_heard() { # NAME TITLE
    row "$2, plainly to a file: a message" "$(compute "$(cat "$dir/heard.$1") * 1e9 / $(cat "$dir/got.$1")" %.0f)" ns
    row "$2: lost" "$((sent - $(cat "$dir/got.$1")))" ""
    row "scantide's processor a message, of $2's" "$(compute "$ours / ($(cat "$dir/heard.$1") / $(cat "$dir/got.$1"))")" times "at most 0.5"
}

part_syslog() {
    sent=$((million / 2))
    section syslog "$sent messages by UDP, 50,000 a second; processor of the whole process"
    fetch_peers
    heard_ours
    ours=$(compute "$(cat "$dir/heard.ours") / $(cat "$dir/got.ours")" %.12f)
    row "scantide, counted, committed and drawn: a message" "$(compute "$ours * 1e9" %.0f)" ns
    row "scantide: lost" "$((sent - $(cat "$dir/got.ours")))" "" "0"
    if there rsyslog in_peer rsyslog "$build/senders/rsyslog/usr/sbin/rsyslogd" -v; then
        heard_rsyslog
        beside_heard rsyslog rsyslog
    fi
    if there syslog-ng test -e "$ng/usr/sbin/syslog-ng"; then
        heard_ng
        beside_heard ng syslog-ng
    fi
}
