# scantide run takes syslog in by UDP, TCP and Unix sockets: each message once, by sensor, from those who are allowed.

load run-helper
load syslog-helper

@test "UDP, both framings of TCP, Unix datagrams and streams; a sensor is known by its address or by its host" {
    p=$(port)
    listens "listen: 'udp://[::]:$p', allow: ['127.0.0.0/8', '::1'], timezone: UTC, sensors: [{address: '127.0.0.2', sensor: edge}]" \
        "listen: 'tcp://127.0.0.1:$p', timezone: UTC, trust_host: [127.0.0.1]" \
        "listen: 'unix://$PWD/stream', timezone: UTC" "listen: 'unixgram://$PWD/dgram', timezone: UTC, sensor: box"
    start
    until_true says 4 ': listens$'
    messages 1 1 | nc -u -q 0 -s 127.0.0.2 127.0.0.1 "$p"
    messages 2 1 | nc -u -q 0 127.0.0.1 "$p"
    messages 3 1 | nc -u -q 0 ::1 "$p"
    messages 4 10 | nc -N 127.0.0.1 "$p"
    messages 14 10 | octets | nc -N 127.0.0.1 "$p"
    messages 24 10 | nc -N -U stream
    messages 34 1 | nc -u -U -q 0 dgram
    until_true has_events 34
    stop
    grep -q ' ended: 34 lines: 34 events, 0 ignored, 0 unmatched, 0 lost$' said
    [ "$(by_sensor)" = '127.0.0.1,1 __1,1 box,1 edge,1 r1,30 ' ]
    [ ! -e stream ] && [ ! -e dgram ]
}

@test "a listener that others reach says whose messages it takes, or nothing starts" {
    listens "listen: 'udp://[::]:$(port)'"
    run -2 "$SCANTIDE" check --config conf.yaml
    [[ $output == *"conf.yaml:5:"*"add whose messages it may take, such as the line 'allow: [192.168.1.0/24]'"* ]]
    run -2 "$SCANTIDE" run --config conf.yaml
    [[ $output == *"'allow: [192.168.1.0/24]'"* ]]
}

@test "a port that is taken ends the start" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p'"
    nc -l 127.0.0.1 "$p" 3>&- &
    writer=$!
    until_true nc -z 127.0.0.1 "$p" || true
    nc -l 127.0.0.1 "$p" 3>&- & # -z has ended the first
    writer=$!
    run_it() { run -2 "$SCANTIDE" run --config conf.yaml; }
    run_it
    [[ $output == *"tcp://127.0.0.1:$p can't be listened at (Address already in use); another program listens there"* ]]
}

@test "messages of those who aren't allowed are refused, and told with their address" {
    p=$(port)
    listens "listen: 'udp://0.0.0.0:$p', allow: [127.0.0.1]" "listen: 'tcp://0.0.0.0:$p', allow: [127.0.0.1]"
    start
    until_true says 2 ': listens$'
    messages 1 1 | nc -u -q 0 -s 127.0.0.3 127.0.0.1 "$p"
    messages 2 1 | nc -N -s 127.0.0.3 127.0.0.1 "$p" || true
    messages 3 1 | nc -u -q 0 127.0.0.1 "$p"
    messages 4 1 | nc -N 127.0.0.1 "$p"
    until_true has_events 2
    stop
    [ "$(events)" -eq 2 ]
    grep -q "udp://0.0.0.0:$p: 1 messages refused (the last was 127.0.0.3; .allow. says whose are taken)" said
    grep -q "tcp://0.0.0.0:$p: 1 connections refused (the last was 127.0.0.3; .allow. says whose are taken)" said
}

@test "garbage, and what is too long or torn, is counted and costs nothing else" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC" "listen: 'tcp://127.0.0.1:$((p + 1))', framing: octet, timezone: UTC" \
        "listen: 'udp://127.0.0.1:$p', timezone: UTC"
    start
    until_true says 3 ': listens$'
    (messages 1 1; head -c 20000 /dev/zero | tr '\0' x; echo; messages 2 1; printf '\n\n\n') | nc -N 127.0.0.1 "$p"
    (messages 3 1 | octets; printf '300 <4>cut off') | nc -N 127.0.0.1 "$p"
    (messages 4 1 | octets; messages 5 1) | nc -N 127.0.0.1 "$((p + 1))"
    head -c 9000 /dev/zero | tr '\0' x | nc -u -q 0 127.0.0.1 "$p"
    messages 6 1 | nc -u -q 0 127.0.0.1 "$p"
    until_true has_events 5
    head -c 100000 /dev/urandom | nc -N -q 0 127.0.0.1 "$p"
    messages 7 1 | nc -N 127.0.0.1 "$p"
    until_true has_events 6
    stop
    grep -q "tcp://127.0.0.1:$p: .*[0-9] messages lost that were too long" said
    grep -q "tcp://127.0.0.1:$p: .*[0-9] messages lost that weren't whole" said
    grep -q "tcp://127.0.0.1:$((p + 1)): a connection of 127.0.0.1 was closed: sends messages without a count" said
    grep -q "tcp://127.0.0.1:$((p + 1)): 1 connections closed over what they sent" said
    grep -q "udp://127.0.0.1:$p: 1 messages lost that were too long" said
    sed -n 's/.* ended: \([0-9]*\) lines: \([0-9]*\) events, \([0-9]*\) ignored, \([0-9]*\) unmatched, \([0-9]*\) lost.*/\1 \2 \3 \4 \5/p' said |
        awk '$1 != $2 + $3 + $4 + $5 || $2 != 6 || $5 < 4 { exit 1 }'
    "$SCANTIDE" sql --config conf.yaml --format csv 'SELECT state, lost, input FROM coverage' | grep -q "^lost,1,udp://127.0.0.1:$p"
}

@test "one address takes no more than its share of connections, and quiet ones are closed" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC, max_per_peer: 2, max_connections: 3, idle: 10s"
    start
    until_true says 1 ': listens$'
    nc -d -s 127.0.0.1 127.0.0.1 "$p" 3>&- &
    nc -d -s 127.0.0.1 127.0.0.1 "$p" 3>&- &
    connections() { [ "$(grep -c "$(printf '0100007F:%04X' "$p") .* 01 " /proc/net/tcp)" -ge "$1" ]; }
    until_true connections 2
    messages 1 1 | nc -N -s 127.0.0.1 127.0.0.1 "$p" || true # one too many
    messages 2 1 | nc -N -s 127.0.0.4 127.0.0.1 "$p"         # another's
    until_true has_events 1
    grow() { messages 3 1 | nc -N -s 127.0.0.1 127.0.0.1 "$p"; sleep 0.5; has_events 2; }
    until_true grow # the idle ones are gone
    stop
    grep -q "tcp://127.0.0.1:$p: .*1* connections closed at once (.max_connections., .max_per_peer.)" said
    grep -q "tcp://127.0.0.1:$p: .*2 connections closed that were idle" said
}

@test "SIGTERM loses nothing that the socket delivered" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC" "listen: 'udp://127.0.0.1:$p', timezone: UTC"
    start
    until_true says 2 ': listens$'
    "$TOOLS/pelt" tcp 127.0.0.1 "$p" 100000000 line >line 3>&- &
    "$TOOLS/pelt" tcp 127.0.0.1 "$p" 100000000 octet >octet 3>&- &
    until_true has_events 50000
    sent=$("$TOOLS/pelt" udp 127.0.0.1 "$p" 20000 0)
    stop
    until_true test -s line
    until_true test -s octet
    total=$(($(cat line) + $(cat octet) + sent))
    lost=$(sed -n 's/.* unmatched, \([0-9]*\) lost.*/\1/p' said)
    echo "sent $total, events $(events), lost $lost"
    [ "$(($(events) + lost))" -eq "$total" ]
    [ "$lost" -eq 0 ] || grep -q "in the kernel's full buffer" said # of UDP, on a machine that is too busy
}

@test "kill -9 costs at most what came since the last commit, nothing is doubled, and the stretch is marked" {
    p=$(port)
    listens "listen: 'udp://127.0.0.1:$p', timezone: UTC"
    start
    until_true says 1 ': listens$'
    sent=$("$TOOLS/pelt" udp 127.0.0.1 "$p" 3000 0)
    until_true has_events "$sent"
    sed -i 's/commit_every: 1s/commit_every: 60s/' conf.yaml
    stop
    start
    until_true says 2 ': listens$'
    "$TOOLS/pelt" udp 127.0.0.1 "$p" 500 0
    kill -9 "$daemon"
    wait "$daemon" || true
    daemon=
    [ "$(events)" -eq "$sent" ]
    later() { [ "$(date +%s)" -gt "$crashed" ]; } # a second at least without anybody
    crashed=$(($(date +%s) + 1))
    until_true later
    start
    until_true says 3 ': listens$'
    "$TOOLS/pelt" udp 127.0.0.1 "$p" 20 0
    stop
    [ "$(events)" -eq $((sent + 20)) ]
    "$SCANTIDE" sql --config conf.yaml --format csv 'SELECT state, input FROM coverage' >coverage
    cat coverage
    grep -q "^crashed,udp://127.0.0.1:$p" coverage
    ! grep -q "^stopped" coverage || [ "$(grep -c '^stopped' coverage)" -le 1 ]
}

@test "a clock in another zone is told with what to set" {
    p=$(port)
    listens "listen: 'udp://127.0.0.1:$p', timezone: UTC"
    start
    until_true says 1 ': listens$'
    for i in $(seq 25); do
        messages "$i" 1 | sed "s/^<4>.\{15\}/<4>$(date -u -d '+9 hours' '+%b %e %T')/" | nc -u -q 0 127.0.0.1 "$p"
    done
    until_true says 1 "udp://127.0.0.1:$p: the times of 127.0.0.1 are 9:00 hours ahead: set .timezone. of the listener"
    messages 26 1 | sed "s/^<4>.\{15\}/<4>$(date -u -d '+9 days' '+%b %e %T')/" | nc -u -q 0 127.0.0.1 "$p"
    until_true says 1 "the times of 127.0.0.1 are more than a day ahead"
    stop
    [ "$(grep -c 'the times of' said)" -eq 2 ]
}

@test "a proxy's header tells whom it speaks for" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC, allow: [192.0.2.0/24], proxy_from: [127.0.0.1], sensors: [{address: 192.0.2.7, sensor: far}]"
    start
    until_true says 1 ': listens$'
    header='\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02'
    (printf "$header"'\x07\x7f\0\0\1\1\2\3\4'; messages 1 3) | nc -N 127.0.0.1 "$p"
    (printf '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\x7f\0\0\1\1\2\3\4'; messages 4 3) | nc -N 127.0.0.1 "$p" || true
    messages 7 1 | nc -N 127.0.0.1 "$p" || true
    until_true has_events 3
    stop
    [ "$(by_sensor)" = 'far,3 ' ]
    grep -q "1 connections refused (the last was 203.0.113.7" said
    grep -q "is a proxy (.proxy_from.), but sends no PROXY header" said
}

@test "SIGHUP changes who is allowed and what senders are called, opens and closes listeners, and keeps the socket" {
    p=$(port)
    listens "listen: 'udp://127.0.0.1:$p', timezone: UTC" "listen: 'unix://$PWD/stream'"
    start
    until_true says 2 ': listens$'
    messages 1 1 | nc -u -q 0 127.0.0.1 "$p"
    messages 2 1 | nc -N -U stream
    until_true has_events 2
    listens "listen: 'udp://127.0.0.1:$p', timezone: UTC, allow: [127.0.0.5], sensors: [{address: 127.0.0.5, sensor: new}]" \
        "listen: 'tcp://127.0.0.1:$p', timezone: UTC, sensor: third"
    kill -HUP "$daemon"
    until_true says 1 "tcp://127.0.0.1:$p: listens"
    gone() { [ ! -e stream ]; }
    until_true gone
    messages 3 1 | nc -u -q 0 127.0.0.1 "$p"
    messages 4 1 | nc -u -q 0 -s 127.0.0.5 127.0.0.1 "$p"
    messages 5 1 | nc -N 127.0.0.1 "$p"
    until_true has_events 4
    stop
    [ "$(by_sensor)" = '127.0.0.1,1 new,1 r1,1 third,1 ' ]
    grep -q "udp://127.0.0.1:$p: 1 messages refused (the last was 127.0.0.1" said
    grep -q ' ended: 4 lines: 4 events, 0 ignored, 0 unmatched, 0 lost$' said
}

@test "SIGHUP closes connections that are no longer allowed" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC"
    start
    until_true says 1 ': listens$'
    exec 8<>"/dev/tcp/127.0.0.1/$p"
    messages 1 1 >&8
    until_true has_events 1
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC, allow: [127.0.0.5]"
    kill -HUP "$daemon"
    closed() { timeout 1 cat <&8 >/dev/null; }
    until_true closed
    exec 8>&-
    stop
    grep -q "tcp://127.0.0.1:$p: 1 connections refused (the last was 127.0.0.1" said
}

@test "a listener of a refused configuration has neither listened nor crashed" {
    p=$(port)
    new=$((p + 1))
    listens "listen: 'udp://127.0.0.1:$p', timezone: UTC"
    start
    until_true says 1 ': listens$'
    listens "listen: 'udp://127.0.0.1:$p', timezone: UTC" "listen: 'udp://127.0.0.1:$new', timezone: UTC" \
        "listen: 'unix:///nowhere/stream', timezone: UTC"
    kill -HUP "$daemon"
    until_true says 1 'the configuration stays as it was'
    stop
    sleep 1.1
    listens "listen: 'udp://127.0.0.1:$new', timezone: UTC"
    start
    until_true says 2 "$new: listens"
    stop
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv "SELECT count(*) FROM coverage WHERE state = 'crashed'" | tail -n 1)" = 0 ]
}

@test "where descriptors run short connections wait, and what they send is taken in later" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC"
    (
        ulimit -n 40
        exec "$SCANTIDE" run --config conf.yaml 2>>said >out 3>&-
    ) &
    daemon=$!
    until_true says 1 ': listens$'
    idle=()
    for i in $(seq 45); do
        nc -d 127.0.0.1 "$p" 3>&- &
        idle+=($!)
    done
    no_more() { [ "$(ls "/proc/$daemon/fd" | wc -l)" -ge 40 ]; }
    until_true no_more
    { messages 1 5 | nc -N 127.0.0.1 "$p" || true; } 3>&- &
    kill "${idle[@]}"
    until_true has_events 5
    stop
    grep -q "tcp://127.0.0.1:$p: .*times without a free descriptor" said
    grep -q ' 5 events, 0 ignored, 0 unmatched, 0 lost$' said
}

@test "two routers are two sensors, with charts of each and of both" {
    p=$(port)
    listens "listen: 'tcp://127.0.0.1:$p', timezone: UTC, sensors: [{address: 127.0.0.2, sensor: gw1}, {address: 127.0.0.3, sensor: gw2}]"
    start
    until_true says 1 ': listens$'
    before=$(date -u -d '-2 hours' '+%b %e %T')
    messages 1 3000 | sed "s/^<4>.\{15\}/<4>$before/" | nc -N -s 127.0.0.2 127.0.0.1 "$p"
    messages 1 2000 | sed "s/^<4>.\{15\}/<4>$before/" | nc -N -s 127.0.0.3 127.0.0.1 "$p"
    until_true has_events 5000
    stop
    [ "$(by_sensor)" = 'gw1,3000 gw2,2000 ' ]
    for sensor in gw1 gw2 ''; do
        "$SCANTIDE" graph total --config conf.yaml ${sensor:+--sensor "$sensor"} --last 6h -o "chart$sensor.png"
        [ -s "chart$sensor.png" ]
        rrds=$("$SCANTIDE" graph total --config conf.yaml ${sensor:+--sensor "$sensor"} --last 6h --print -o x.png | grep -o 'rrd/gw[12]/' | sort -u | wc -l)
        [ "$rrds" -eq "$([ -n "$sensor" ] && echo 1 || echo 2)" ]
    done
}
