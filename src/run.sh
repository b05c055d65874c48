#!/bin/sh
# run.sh - what `make run` does once the program is built: a log, a country database, an overview, charts, and then the
# daemon. LOG names a log; ONCE=1 stops after the charts. All it writes is below build/ and out/.
set -eu
cd "$(dirname "$0")/.."

build=$(cd "${BUILD:-build}" && pwd)
scantide=$build/scantide
state=$build/state
log=${LOG-}
follow=""

say() {
    printf '== %s\n' "$*"
}

# 1. The country database: one that this machine has, else the free one, fetched once.

have_country_database() {
    for file in /var/lib/GeoIP/*.mmdb /usr/share/GeoIP/*.mmdb /usr/local/share/GeoIP/*.mmdb "$build"/geo/*.mmdb; do
        case "$file" in
        *'*'*) ;;
        *ountry*.mmdb | *City*.mmdb) return 0 ;;
        esac
    done
    return 1
}

fetch_country_database() {
    package=@ip-location-db/geo-whois-asn-country-mmdb file=geo-whois-asn-country.mmdb
    command -v npm >/dev/null || tests/setup.sh fetch || return 1
    work=$build/geo/fetch
    rm -rf "$work"
    mkdir -p "$work"
    # npm's cache too stays in the checkout, and goes with it.
    (cd "$work" && npm_config_cache=$work/cache npm_config_update_notifier=false \
        npm pack --silent --fetch-retries=1 --fetch-timeout=60000 "$package") >"$work/log" 2>&1 &&
        tar -xzf "$work"/*.tgz -C "$work" &&
        mv "$work/package/$file" "$build/geo/$file"
    status=$?
    rm -rf "$work"
    return $status
}

if ! have_country_database; then
    say "Fetching a free country database with npm"
    fetch_country_database ||
        say "The country database can't be fetched now, so countries stay ZZ; a later make run tries again"
fi
if [ -s "$build/geo/geo-whois-asn-country.mmdb" ]; then
    say "Countries: geo-whois-asn-country from https://github.com/sapics/ip-location-db, licensed CC BY 4.0"
fi

# 2. The log: LOG, else the kernel's own, else the journal's kernel part, else three simulated days.

has_packets() {
    [ -r "$1" ] && [ -s "$1" ] && grep -q -m 1 ' SRC=' "$1"
}

read_journal() {
    command -v journalctl >/dev/null || return 1
    # The cursor makes each run append what is new, so that the file is a log like any other.
    journalctl -k -q -o short-iso --cursor-file="$build/journal.cursor" >>"$build/journal.log" 2>/dev/null &&
        has_packets "$build/journal.log"
}

if [ -n "$log" ]; then
    say "The log is $log"
elif has_packets /var/log/kern.log; then
    log=/var/log/kern.log
    say "The log is this machine's $log"
elif read_journal; then
    log=$build/journal.log follow=journal
    say "The log is this machine's journal, its kernel part"
else
    # A state of its own: what is made up never mixes with what was seen.
    state=$build/simulated log=$build/simulated.log
    say "SIMULATED: this machine has logged no packets, so what follows is made up (make run LOG=FILE takes a real log)"
    "$scantide" simulate --days 3 >"$log"
fi
case "$log" in
/*) ;;
*) log=$PWD/$log ;;
esac
[ "$state" != "$build/simulated" ] || rm -rf "$state"

# 3. Take it in, tell, draw.

config=$build/run.yaml
sensor=""
[ "$state" != "$build/simulated" ] || sensor=simulated # so that each chart says it
cat >"$config" <<END
# Written by make run: follow this log.
inputs:
  - file: "$log"
    sensor: "$sensor"
END

scantide() {
    command=$1
    shift
    "$scantide" "$command" --data "$state" --config "$config" "$@"
}

scantide import ${sensor:+--sensor "$sensor"} "$log"

# A figure or a time of `top`'s JSON, outside its rows.
span=$(scantide top ports --all -n 1 --format json)
of_span() {
    printf '%s' "$span" | sed -n "1s/^{\([^[]*,\)*\"$1\" *: *\"*\([0-9TZ:-]*\).*/\2/p"
}
if [ "$(of_span events)" -gt 0 ]; then
    ports=$(scantide top ports --all -n 10)
    countries=$(scantide top countries --all -n 10)
    printf '\n%s\n\n%s\n\n' "$ports" "$countries"
    draw=yes
else
    say "No dropped packet is in it, so there is nothing to rank or draw yet"
    draw=""
fi

keys() { # the first of a ranking
    scantide top "$1" --all -n "$2" --format json | tr '{' '\n' | sed -n 's/.*"key" *: *"\([^"]*\)".*/\1/p'
}

graph() {
    file=$1
    shift
    # Nothing in the facts says that they are made up, so each chart must.
    [ "$state" != "$build/simulated" ] ||
        set -- "$@" --note 'Simulated data: none of these packets was ever sent'
    # A port so quiet that it has no series is no reason to stop; the command says why.
    if scantide graph "$@" --from "$from" --to "$to" --band -o "out/$file.png"; then
        echo "   out/$file.png"
    fi
}

# Charts of the last three days that the log has, in whole hours.
draw_charts() {
    to=$((($(date -d "$(of_span to)" +%s) + 3599) / 3600 * 3600))
    from=$(($(date -d "$(of_span from)" +%s) / 3600 * 3600))
    [ "$from" -gt $((to - 3 * 86400)) ] || from=$((to - 3 * 86400))
    from=$(date -u -d "@$from" +%Y-%m-%dT%H:%M:%SZ) to=$(date -u -d "@$to" +%Y-%m-%dT%H:%M:%SZ)
    say "Charts of $from to $to"
    mkdir -p out
    rm -f out/total-by-*.png out/port-*.png out/country-*.png
    graph total-by-country total --by country
    graph total-by-port total --by port
    for port in $(keys ports 3); do
        graph "port-$(printf '%s' "$port" | tr / -)" port "$port"
    done
    for country in $(keys countries 4 | grep -v -e ZZ -e -- | head -n 2); do
        graph "country-$country" country "$country"
    done
}

[ -z "$draw" ] || draw_charts
[ "$state" != "$build/simulated" ] || say "SIMULATED: all of the above is made up"
[ -z "${ONCE-}" ] || exit 0

# 4. Stay.

say "Following $log; Ctrl-C ends it"
if [ "$follow" = journal ]; then
    journalctl -k -q -f -n all -o short-iso --cursor-file="$build/journal.cursor" >>"$log" 2>/dev/null &
    trap 'kill $! 2>/dev/null' EXIT
    scantide run
else
    exec "$scantide" run --data "$state" --config "$config"
fi
