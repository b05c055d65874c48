#!/bin/sh
# fetch.sh FOLDER - unpacks what the bench compares with into FOLDER, from Debian's archive: a folder a tool. None is installed.
#
# What can't be had is left out; whoever uses a tool looks whether it runs. rsyslog and syslog-ng come by tests/senders.sh.
set -u

folder=$1
command -v apt-get >/dev/null && command -v dpkg >/dev/null || exit 0

fetch() { # TOOL PACKAGE...: the packages below FOLDER/TOOL
    tool=$1
    shift
    [ ! -e "$folder/$tool/.done" ] || return 0
    rm -rf "${folder:?}/$tool"
    mkdir -p "$folder/$tool/packages"
    for package in "$@"; do
        (cd "$folder/$tool/packages" && apt-get download -q "$package") >/dev/null 2>&1 || return 0
    done
    for package in "$folder/$tool/packages"/*.deb; do
        dpkg -x "$package" "$folder/$tool"
    done
    touch "$folder/$tool/.done"
}

fetch gawk gawk libsigsegv2 libmpfr6
fetch lnav lnav
fetch mtail mtail
fetch geoip2 syslog-ng-mod-geoip2
fetch fwlogwatch fwlogwatch
fetch psad psad libunix-syslog-perl libnet-ip-perl libdate-calc-perl libcarp-clan-perl libiptables-parse-perl libiptables-chainmgr-perl \
    libnetaddr-ip-perl libbit-vector-perl
exit 0
