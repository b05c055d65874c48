# scantide run takes syslog over TLS (RFC 5425), with clients' certificates optional or required.

load run-helper
load syslog-helper

# An authority, and certificates signed by it for the server and a client; another authority with a client of its own.
certificates() {
    for ca in ca other; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$ca" -keyout "$ca.key" -out "$ca.pem"
    done
    sign server ca
    sign client ca
    sign stranger other
} 2>/dev/null

sign() { # NAME CA
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -out "$1.pem"
}

# Sends stdin, and stays until the server has closed or it has said all. A block that begins with R is no command.
over_tls() { # PORT [NAME]
    (cat; sleep 0.5) | openssl s_client -quiet -no_ign_eof -nocommands -connect "127.0.0.1:$1" -CAfile ca.pem ${2:+-cert "$2.pem" -key "$2.key"} >/dev/null 2>>sender || cat sender # a failing test shows it
}

@test "both framings; a client needs a certificate of the authority that is named" {
    p=$(port)
    certificates
    listens "listen: 'tls://127.0.0.1:$p', timezone: UTC, sensor: gw, tls: {certificate: $PWD/server.pem, key: $PWD/server.key, client_ca: $PWD/ca.pem}"
    start
    until_true says 1 ': listens$'
    messages 1 300 | octets | over_tls "$p" client
    messages 301 300 | over_tls "$p" client
    until_true has_events 600
    messages 601 1 | over_tls "$p"
    messages 602 1 | over_tls "$p" stranger
    messages 603 1 | nc -N 127.0.0.1 "$p" >/dev/null || true # no TLS at all
    until_true says 3 "tls://127.0.0.1:$p: a connection of 127.0.0.1 was closed: "
    stop
    grep -q ' ended: 600 lines: 600 events, 0 ignored, 0 unmatched, 0 lost$' said
    grep -q "closed: peer did not return a certificate" said
    grep -q "3 connections closed over what they sent" said
}

@test "without client_ca nobody is asked for a certificate; a large message is whole" {
    p=$(port)
    certificates
    listens "listen: 'tls://127.0.0.1:$p', timezone: UTC, tls: {certificate: $PWD/server.pem, key: $PWD/server.key}"
    start
    until_true says 1 ': listens$'
    (messages 1 1; head -c 8000 /dev/zero | tr '\0' x; echo; messages 2 1) | over_tls "$p"
    until_true has_events 2
    stop
    grep -q ' ended: 3 lines: 2 events, 0 ignored, 1 unmatched, 0 lost$' said
}

@test "files that are no certificate or key, or don't belong together, are told before anything starts" {
    p=$(port)
    certificates
    listens "listen: 'tls://127.0.0.1:$p', tls: {certificate: $PWD/server.pem, key: $PWD/client.key}" \
        "listen: 'tls://127.0.0.1:$((p + 1))', tls: {certificate: $PWD/none.pem, key: $PWD/client.key}"
    run -2 "$SCANTIDE" check --config conf.yaml
    [[ $output == *"client.key: this is no key in PEM that can be read and needs no passphrase, or not the certificate's"* ]]
    [[ $output == *"none.pem: this is no certificate in PEM that can be read (No such file or directory)"* ]]
    run -2 "$SCANTIDE" run --config conf.yaml
    [[ $output == *"client.key: this is no key"* ]]
}
