# scantide doctor: what could go wrong is said before it hurts, each with what to do.

load run-helper

doctor() {
    "$SCANTIDE" doctor --config conf.yaml
}

# Lines of now, stamped SECONDS off.
now_lines() { # FROM TO SECONDS
    lines "$1" "$2" | awk -v now="$(date +%s)" -v off="$3" '{ t = now + off; $1 = strftime("%b", t); $2 = strftime("%d", t); $3 = strftime("%H:%M:%S", t); print }'
}

@test "a log in another zone than said" {
    now_lines 1 50 7200 >log
    run -1 doctor
    [[ $output == *"+2.00 hours"*"'timezone:'"* ]]
}

@test "a log with the right clock, understood" {
    now_lines 1 50 0 >log
    run -1 doctor # there are no facts yet
    [[ $output == *"of its last 50 lines 50 are dropped packets"* ]]
    [[ $output != *"stamped"* ]]
}

@test "a log without dropped packets, one that isn't there, one that may not be read" {
    echo "Nov 24 10:00:00 gw sshd[1]: hello" >log
    configure log none
    run -1 doctor
    [[ $output == *"none of its last 1 lines is a dropped packet"* ]]
    [[ $output == *"none: isn't there"* ]]
}

@test "a rate limit shows as a ceiling" {
    for i in $(seq 8); do
        for k in $(seq 60); do
            echo "$(date -u -d "@$(($(date +%s) - i * 300))" '+%b %d %H:%M:%S') gw kernel: DROP IN=eth0 OUT= SRC=198.51.100.$k DST=192.0.2.1 LEN=40 TTL=244 ID=$k PROTO=TCP SPT=1 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0"
        done
    done | tac >log
    "$SCANTIDE" import --config conf.yaml --sensor gw log
    run -1 doctor
    [[ $output == *"gw: its 6 busiest 5 minutes of the last day have 60 to 60 events"* ]]
}

@test "an old country database" {
    printf '198.51.0.0/16 CN\n' | "$TOOLS/mkmmdb" --schema iso >country.mmdb
    printf 'geo: {country: %s/country.mmdb}\n' "$PWD" >>conf.yaml
    now_lines 1 5 0 >log
    run -1 doctor
    [[ $output == *"country.mmdb: is "*" days old: fetch a newer one"* ]]
}
