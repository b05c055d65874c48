# What users have today, on the same million lines: each beside scantide's import, facts and RRDs written.
# shellcheck shell=sh disable=SC2154 # run.sh's variables

# there TOOL COMMAND...: whether it can be fetched and runs; said where not
there() {
    tool=$1
    shift
    "$@" >"$dir/$tool.version" 2>&1 || {
        note "$tool: can't be fetched, or libraries of its are missing; skipped"
        return 1
    }
}

# in_peer TOOL COMMAND...: with the libraries that came with it
in_peer() {
    libraries=$(find "$peers/$1" "$build/senders/$1" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | tr '\n' ':')
    shift
    LD_LIBRARY_PATH=$libraries "$@"
}

gawk_run() {
    in_peer gawk timed gawk "$peers/gawk/usr/bin/gawk" -f tests/bench/port.awk "$log" >"$dir/ports.gawk"
}

perl_run() {
    # shellcheck disable=SC2016 # perl's own $
    timed perl perl -ne '
        next unless / DROP / && / SRC=(\S+) .* PROTO=(\w+)(?: SPT=\d+ DPT=(\d+))?/;
        $seen{my $key = defined $3 ? "$2 $3" : $2}{$1}++;
        $count{$key}++;
        END { print "$count{$_} $_ ", scalar keys %{$seen{$_}}, "\n" for keys %count }' "$log" >"$dir/perl.out"
    sed 's/ [0-9]*$//' "$dir/perl.out" >"$dir/ports.perl"
}

lnav_run() {
    # Its command takes the log for its generic format, since a word in capitals follows the stamp.
    in_peer lnav timed lnav "$peers/lnav/usr/bin/lnav" -n -c ";SELECT count(*) || ' ' || regexp_match('PROTO=(\w+)', log_body) || ' ' ||
        coalesce(regexp_match(' DPT=(\d+)', log_body), '') AS n FROM generic_log WHERE log_body LIKE '%] DROP %' GROUP BY
        regexp_match('PROTO=(\w+)', log_body), regexp_match(' DPT=(\d+)', log_body)" -c ":write-csv-to -" "$log" >"$dir/lnav.out" 2>/dev/null
    sed '1d; s/ $//' "$dir/lnav.out" >"$dir/ports.lnav"
}

mtail_run() {
    cat >"$dir/port.mtail" <<'END'
counter events by proto, port
/ DROP .* PROTO=(?P<proto>TCP|UDP) SPT=\d+ DPT=(?P<port>\d+) / {
  events[$proto][$port]++
}
/ DROP .* PROTO=(?P<proto>ICMP) TYPE=(?P<port>\d+) / {
  events[$proto][$port]++
}
END
    timed mtail "$peers/mtail/usr/bin/mtail" --one_shot --one_shot_format=json --progs "$dir/port.mtail" --logs "$log" >"$dir/mtail.out" 2>/dev/null
    jq -r '.events[].LabelValues[] | "\(.Value.Value) \(.Labels[0])" + (if .Labels[0] == "ICMP" then "" else " \(.Labels[1])" end)' \
        "$dir/mtail.out" >"$dir/ports.mtail"
}

# syslog-ng takes key=value apart and adds the country: a line an event to a file.
ng=$build/senders/syslog-ng-core
ng_run() {
    cat >"$dir/ng.conf" <<END
@version: 3.38
options { keep-timestamp(no); stats-freq(0); log-fifo-size(100000); };
source s { stdin(default-facility(kern)); };
filter drops { message(" DROP " type(string) flags(substring)); };
parser pairs { kv-parser(prefix("k.")); };
parser country { geoip2("\${k.SRC}" prefix("geo.") database("$geo")); };
destination d { file("$dir/ng.out" template("\${S_ISODATE} \${k.SRC} \${k.PROTO} \${k.DPT} \${geo.country_code}\n")); };
log { source(s); filter(drops); parser(pairs); parser(country); destination(d); };
END
    rm -f "$dir/ng.out" "$dir/ng.persist"
    # Through a pipe: it polls its standard input, which can't be a file.
    # shellcheck disable=SC2002
    cat "$log" | in_peer syslog-ng-core timed ng "$ng/usr/sbin/syslog-ng" -F --no-caps -f "$dir/ng.conf" -R "$dir/ng.persist" -p "$dir/ng.pid" \
        -c "$dir/ng.control" --module-path="$dir/ng.modules" >/dev/null 2>&1
    awk '{ print $3 ($3 == "ICMP" ? "" : " " $4) }' "$dir/ng.out" | sort | uniq -c | sed 's/^ *//' >"$dir/ports.ng"
}

# rsyslog takes fields by mmnormalize: a line an event to a file. It doesn't end by itself.
rsyslog_until_end() {
    modules=$(find "$build/senders/rsyslog" -name imfile.so -printf '%h')
    # shellcheck disable=SC2016 # the shell's that is measured
    in_peer rsyslog timed rsyslog sh -c '"$1" -n -f "$2" -i "$3" -M "$4" & until tail -n 1 "$5" 2>/dev/null | grep -q 203.0.113.99; do sleep 0.1; done; kill $!; wait' \
        sh "$build/senders/rsyslog/usr/sbin/rsyslogd" "$dir/rsyslog.conf" "$dir/rsyslog.pid" "$modules" "$dir/rsyslog.out" >/dev/null 2>&1
}
rsyslog_run() {
    rm -rf "$dir/rsyslog.state" "$dir/rsyslog.out" "$dir/rsyslog.pid"
    mkdir -p "$dir/rsyslog.state"
    [ -s "$dir/$million.ends.log" ] || { cat "$log" && echo "Nov 24 10:00:00 gw kernel: [1.0] DROP IN=eth0 OUT= SRC=203.0.113.99 DST=192.0.2.1 PROTO=TCP SPT=1 DPT=1 END"; } >"$dir/$million.ends.log"
    cat >"$dir/rsyslog.rb" <<'END'
version=2
rule=:%-:string-to:DROP IN=%DROP IN=%-:string-to:SRC=%SRC=%src:word% %-:string-to:PROTO=%PROTO=%proto:word% SPT=%-:number% DPT=%dpt:number% %-:rest%
rule=:%-:string-to:DROP IN=%DROP IN=%-:string-to:SRC=%SRC=%src:word% %-:string-to:PROTO=%PROTO=%proto:word% TYPE=%dpt:number% %-:rest%
END
    cat >"$dir/rsyslog.conf" <<END
global(workDirectory="$dir/rsyslog.state")
main_queue(queue.size="100000" queue.workerthreads="1")
module(load="imfile" mode="inotify")
module(load="mmnormalize")
template(name="t" type="list") { property(name="timereported" dateFormat="rfc3339") constant(value=" ") property(name="\$!src") constant(value=" ") property(name="\$!proto") constant(value=" ") property(name="\$!dpt") constant(value="\n") }
input(type="imfile" file="$dir/$million.ends.log" tag="kernel:" facility="kern" severity="warning" ruleset="r")
ruleset(name="r") { action(type="mmnormalize" rulebase="$dir/rsyslog.rb") if \$!src != "" then action(type="omfile" file="$dir/rsyslog.out" template="t") }
END
    rsyslog_until_end
    awk '$2 != "203.0.113.99" { print $3 ($3 == "ICMP" ? "" : " " $4) }' "$dir/rsyslog.out" | sort | uniq -c | sed 's/^ *//' >"$dir/ports.rsyslog"
}

fwlogwatch_run() {
    timed fwlogwatch "$peers/fwlogwatch/usr/sbin/fwlogwatch" -c /dev/null -d -p -S -D -m 1 -o "$dir/fwlogwatch.out" "$cut"
    # It takes accepted packets as well, and ICMP's port for 0.
    awk '$1 == "DROP" { n = $2; p = toupper($3); print n, p (p == "ICMP" ? "" : " " $NF) }' "$dir/fwlogwatch.out" >"$dir/ports.fwlogwatch"
}

psad_run() {
    p=$peers/psad
    mkdir -p "$p/var/log/psad/errs" "$p/var/run/psad" "$p/var/lib/psad"
    ln -sf /bin/true "$p/iptables"
    sed -i "s#'/usr/sbin/ip6*tables'#'$p/iptables'#" "$p/usr/share/perl5/IPTables/Parse.pm"
    sed "s#\$INSTALL_ROOT#$p#; s/_CHANGEME_/bench/; s#^INSTALL_ROOT .*#INSTALL_ROOT $p;#; s#^\([a-zA-Z0-9]*Cmd\) .*#\1 /bin/true;#
        s#^ip6*tablesCmd .*#&#; s#^iptablesCmd .*#iptablesCmd $p/iptables;#; s#^ip6tablesCmd .*#ip6tablesCmd $p/iptables;#" \
        "$p/etc/psad/psad.conf" >"$dir/psad.conf"
    PERL5LIB=$p/usr/share/perl5:$(echo "$p"/usr/lib/*/perl5/* | tr ' ' ':') \
        timed psad perl "$p/usr/sbin/psad" -A -m "$small" -c "$dir/psad.conf" >"$dir/psad.out" 2>&1
}

cut_run() {
    import cut "$cut"
}
small_run() {
    import small "$small"
}

beside() { # TOOL LINES OURS GIVES
    row "$1: $4: a line, wall" "$(compute "$(of "$1" wall) * 1e9 / $2" %.0f)" ns
    row "$1: of scantide's time" "$(compute "$(of "$1" wall) / $(of "$3" wall)" %.1f)" times "${5-}"
    row "$1: of scantide's processor time" "$(compute "$(of "$1" cpu) / $(of "$3" cpu)" %.1f)" times
    row "$1: peak" "$(of "$1" memory)" MB
}

peer_versions() {
    for tool in mawk perl "$@"; do
        case $tool in
        mawk) mawk -W version 2>&1 | sed 1q ;;
        perl) perl -e 'print "perl $^V\n"' ;;
        *) echo "$tool $(dpkg-deb -f "$(find "$peers/$tool" "$build/senders/$tool" -path '*packages*' -name "${tool}_*.deb" 2>/dev/null | sed 1q)" Version 2>/dev/null)" ;;
        esac
    done >"$dir/versions"
    note "versions: $(tr '\n' ';' <"$dir/versions" | sed 's/;$//; s/;/; /g')"
}

fetch_peers() {
    tests/bench/fetch.sh "$peers"
    tests/senders.sh "$build/senders" || note "rsyslog, syslog-ng: can't be fetched"
    rm -rf "$dir/ng.modules"
    mkdir -p "$dir/ng.modules"
    find "$ng" "$peers/geoip2" -path '*syslog-ng*' -name 'lib*.so' -exec cp {} "$dir/ng.modules" \; 2>/dev/null || true
}

part_peers() {
    make_log "$million.log" "$tools/benchlog" "$million"
    small=$dir/cut20.log cut=$dir/cut100.log
    head -n 100000 "$log" >"$cut"
    head -n 20000 "$log" >"$small"
    section peers "what users have today, on the same $million lines"
    fetch_peers
    runs="ours_run mawk_run" versions=
    if there gawk in_peer gawk "$peers/gawk/usr/bin/gawk" --version; then runs="$runs gawk_run" versions="$versions gawk"; fi
    if there perl perl -v; then runs="$runs perl_run"; fi
    if there lnav in_peer lnav "$peers/lnav/usr/bin/lnav" -V; then runs="$runs lnav_run" versions="$versions lnav"; fi
    if there mtail "$peers/mtail/usr/bin/mtail" --version; then runs="$runs mtail_run" versions="$versions mtail"; fi
    if [ -z "$geo" ]; then
        note "syslog-ng: there is no country database in $build/geo, which make run fetches; skipped"
    elif there syslog-ng test -e "$dir/ng.modules/libgeoip2-plugin.so"; then
        runs="$runs ng_run" versions="$versions syslog-ng-core"
    fi
    if there rsyslog in_peer rsyslog "$build/senders/rsyslog/usr/sbin/rsyslogd" -v; then runs="$runs rsyslog_run" versions="$versions rsyslog"; fi
    rm -f "$dir/mawk.times" "$dir/ours.times"
    # shellcheck disable=SC2086 # a list of names
    in_turn $runs
    whole ours
    our_ports ours >"$dir/ports.want"
    for run in ${runs#ours_run }; do
        name=${run%_run}
        same "$name" "$dir/ports.$name"
        case $name in
        mawk | gawk) beside "$name" "$million" ours "events by port" ;;
        perl) beside perl "$million" ours "events and distinct sources by port" ;;
        lnav | mtail) beside "$name" "$million" ours "events by port" ;;
        ng)
            beside ng "$million" ours "lines with a country (syslog-ng)"
            [ ! -e "$dir/import.ns" ] ||
                row "ng: of scantide's time a line of the large import" "$(compute "$(of ng wall) * 1e9 / $million / $(cat "$dir/import.ns")" %.1f)" times "at least 20"
            ;;
        rsyslog) beside rsyslog "$million" ours "lines with fields" ;;
        esac
    done
    part_peers_cut
    # shellcheck disable=SC2086
    peer_versions $versions
}

# Those that grow with the square of distinct keys, or nearly, on fewer lines.
part_peers_cut() {
    rounds_before=$rounds rounds=1
    if there fwlogwatch "$peers/fwlogwatch/usr/sbin/fwlogwatch" -V; then
        in_turn cut_run fwlogwatch_run
        our_ports cut >"$dir/ports.want"
        same fwlogwatch "$dir/ports.fwlogwatch"
        beside fwlogwatch 100000 cut "events by port, of 100,000 lines"
        versions="$versions fwlogwatch"
    fi
    if there psad test -e "$peers/psad/usr/sbin/psad"; then
        in_turn small_run psad_run
        if grep -q '^\[+\] Found [0-9]* iptables log messages' "$dir/psad.out" && grep -q 'scanned ports' "$dir/psad.out"; then
            beside psad 20000 small "ports and attackers, of 20,000 lines"
            versions="$versions psad"
        else
            note "psad: didn't come to its end; skipped"
        fi
    fi
    rounds=$rounds_before
}
