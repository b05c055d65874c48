# What real senders send arrives, each message once: rsyslog and syslog-ng over UDP, TCP in both framings and TLS with a
# client's certificate, and logger.

load run-helper
load syslog-helper

# Unpacked below build/, never installed; skips where they can't be had.
unpack() {
    senders=$BATS_TEST_DIRNAME/../../build/senders
    "$BATS_TEST_DIRNAME/../senders.sh" "$senders" || skip "rsyslog and syslog-ng can't be fetched"
}

in_folder() { # FOLDER COMMAND...: with the libraries that are there
    libraries=$(find "$senders/$1" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
    shift
    LD_LIBRARY_PATH=$libraries "$@"
}

certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
    for name in server client; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
        openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$name.pem" -extfile <(echo subjectAltName=IP:127.0.0.1)
    done
} 2>/dev/null

# Five listeners, from the port on, each with a sensor of its own.
listeners() {
    p=$(port)
    certificates
    tls="{certificate: $PWD/server.pem, key: $PWD/server.key, client_ca: $PWD/ca.pem}"
    listens "listen: 'udp://127.0.0.1:$p', sensor: udp, timezone: UTC" "listen: 'tcp://127.0.0.1:$p', sensor: line, timezone: UTC" \
        "listen: 'tcp://127.0.0.1:$((p + 1))', sensor: octet, timezone: UTC" "listen: 'tls://127.0.0.1:$((p + 2))', sensor: tls, timezone: UTC, tls: $tls" \
        "listen: 'unixgram://$PWD/dgram', sensor: unix, timezone: UTC"
    start
    until_true says 5 ': listens$'
}

# What the kernel says, N times.
kernel() { # N
    messages 1 "$1" | sed 's/^.* kernel: //'
}

# A recipe of conf/forwarding, for the listener of counted messages.
recipe() { # FILE
    sed "s/192\.0\.2\.2/127.0.0.1/; s/5514/$((p + 1))/" "$BATS_TEST_DIRNAME/../../conf/forwarding/$1"
}

stop_sender() {
    kill "$writer"
    wait "$writer" || true
    writer=
}

@test "rsyslog" {
    unpack
    listeners
    : >in
    mkdir state
    cat >rsyslog.conf <<END
global(workDirectory="$PWD/state" localHostname="r1" defaultNetstreamDriverCAFile="$PWD/ca.pem"
       defaultNetstreamDriverCertFile="$PWD/client.pem" defaultNetstreamDriverKeyFile="$PWD/client.key")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="$PWD/in" tag="kernel:" facility="kern" severity="warning")
action(type="omfwd" target="127.0.0.1" port="$p" protocol="udp")
action(type="omfwd" target="127.0.0.1" port="$p" protocol="tcp")
$(recipe rsyslog.conf)
action(type="omfwd" target="127.0.0.1" port="$((p + 2))" protocol="tcp" tcp_framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
       streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="x509/certvalid")
END
    modules=$(find "$senders/rsyslog" -name omprog.so -printf '%h')
    in_folder rsyslog "$senders/rsyslog/usr/sbin/rsyslogd" -n -f "$PWD/rsyslog.conf" -i "$PWD/pid" -M "$modules" >sender 2>&1 3>&- &
    writer=$!
    kernel 500 >>in
    until_true has_events 2000 || { cat sender; false; }
    stop_sender
    stop
    [ "$(by_sensor)" = 'line,500 octet,500 tls,500 udp,500 ' ]
    grep -q ' 2000 events, 0 ignored, 0 unmatched, 0 lost$' said || { grep ended said; grep unmatched said; }
}

@test "syslog-ng" {
    unpack
    listeners
    kernel 500 >in
    cat >ng.conf <<END
@version: 3.35
options { keep-timestamp(no); };
source s_src { file("$PWD/in" program-override("kernel") flags(no-parse) follow-freq(0.2) default-facility(kern) default-priority(warning)); };
destination d {
    network("127.0.0.1" port($p) transport("udp"));
    network("127.0.0.1" port($p) transport("tcp"));
    syslog("127.0.0.1" port($((p + 2))) transport("tls") tls(ca-file("$PWD/ca.pem") cert-file("$PWD/client.pem") key-file("$PWD/client.key")));
};
log { source(s_src); destination(d); };
$(recipe syslog-ng.conf)
END
    modules=$(find "$senders/syslog-ng-core" -name libafsocket.so -printf '%h')
    in_folder syslog-ng-core "$senders/syslog-ng-core/usr/sbin/syslog-ng" -F --no-caps -f "$PWD/ng.conf" -R "$PWD/persist" -p "$PWD/pid" \
        -c "$PWD/control" --module-path="$modules" >sender 2>&1 3>&- &
    writer=$!
    until_true has_events 2000 || { cat sender; false; }
    stop_sender
    stop
    [ "$(by_sensor)" = 'line,500 octet,500 tls,500 udp,500 ' ]
}

@test "logger" {
    listeners
    kernel 50 >in
    logger --rfc3164 -t kernel -p kern.warning -n 127.0.0.1 -P "$p" -d -f in
    logger --rfc3164 -t kernel -p kern.warning -n 127.0.0.1 -P "$p" -T -f in
    logger --rfc5424 -t kernel -p kern.warning -n 127.0.0.1 -P "$((p + 1))" -T --octet-count -f in
    logger -t kernel -p kern.warning -u "$PWD/dgram" -d -f in
    until_true has_events 200
    stop
    [ "$(by_sensor)" = 'line,50 octet,50 udp,50 unix,50 ' ]
}
