#!/bin/sh
# journal-remote.sh - prints the path of a systemd-journal-remote to test with: the installed one, or Debian's packages
# unpacked (never installed) into build/journal-remote, behind a script that names their libraries. Ends badly where there
# is neither.
set -eu

installed=/lib/systemd/systemd-journal-remote
if [ -x "$installed" ]; then
    echo "$installed"
    exit
fi
folder=$(cd "$(dirname "$0")/.." && pwd)/build/journal-remote
program=$folder/run
if [ ! -x "$program" ]; then
    mkdir -p "$folder"
    cd "$folder"
    apt-get download systemd-journal-remote libsystemd-shared libmicrohttpd12 libip4tc2 libkmod2 >/dev/null 2>&1
    for package in *.deb; do
        dpkg -x "$package" .
    done
    libraries=$(find "$folder" -name "lib*.so*" -printf "%h\n" | sort -u | paste -s -d :)
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$libraries" "$folder$installed" >run
    chmod +x run
fi
"$program" --version >/dev/null 2>&1
echo "$program"
