#!/bin/sh
# rrdcached.sh - prints the path of an rrdcached to test with: the installed one, or Debian's package unpacked (never
# installed) into build/rrdcached. Ends badly where there is neither.
set -eu

if command -v rrdcached; then
    exit
fi
folder=$(cd "$(dirname "$0")/.." && pwd)/build/rrdcached
program=$folder/usr/bin/rrdcached
if [ ! -x "$program" ]; then
    mkdir -p "$folder"
    cd "$folder"
    apt-get download rrdcached >/dev/null 2>&1
    dpkg -x rrdcached_*.deb .
fi
"$program" -h >/dev/null 2>&1 || [ $? -eq 1 ]
echo "$program"
