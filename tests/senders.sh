#!/bin/sh
# senders.sh FOLDER - unpacks rsyslog and syslog-ng with what they need into FOLDER/rsyslog and FOLDER/syslog-ng, for the
# scenarios that have them send. Neither is installed: the two exclude each other, and a machine has its own. Where Debian's
# archive can't be reached, or this is no Debian, it ends with 1.
set -eu

folder=$1
command -v apt-get >/dev/null && command -v dpkg >/dev/null || exit 1

fetch() { # NAME PACKAGE...
    name=$1
    shift
    [ ! -e "$folder/$name/.done" ] || return 0
    rm -rf "${folder:?}/$name"
    mkdir -p "$folder/$name/packages"
    # One by one, since a library that the machine has under another name isn't needed.
    for package in "$@"; do
        (cd "$folder/$name/packages" && apt-get download -q "$package") >/dev/null 2>&1 || [ "$package" != "$name" ] || return 1
    done
    for package in "$folder/$name/packages"/*.deb; do
        [ -e "$package" ] || return 1
        dpkg -x "$package" "$folder/$name"
    done
    touch "$folder/$name/.done"
}

fetch rsyslog rsyslog rsyslog-openssl libestr0 libfastjson4 liblognorm5
fetch syslog-ng-core syslog-ng-core libivykis0 libnet1 libjson-c5 libpcre3 libwrap0 libglib2.0-0
