#!/bin/sh
# setup.sh run|test|lint|fuzz|fetch - sees to it that the Debian packages a make target needs are there.
#
# What is missing is installed with apt-get, as root or through sudo where that asks nothing. Anywhere
# else the list is printed with the way to install it, and the target ends. Needs a shell and nothing more.
set -eu

run="gcc libc6-dev make pkg-config libuv1-dev libpcre2-dev libmaxminddb-dev librrd-dev libsqlite3-dev
     libarchive-dev zlib1g-dev libcyaml-dev libyaml-dev libjansson-dev libxml2-dev libfontconfig-dev libpango1.0-dev libsystemd-dev libssl-dev tzdata gettext fonts-noto-core fonts-dejavu-core"
test="$run fonts-morisawa-bizud-gothic netcat-openbsd openssl bsdutils libcmocka-dev bats rrdtool mmdb-bin mawk jq sqlite3 procps xz-utils bzip2 zstd zip"
lint="$run libcmocka-dev clang-format cppcheck shellcheck"
fuzz="$run clang"
fetch="npm ca-certificates" # a few hundred MB: only where a country database is to be fetched

case "${1-}" in
run) wanted=$run ;;
test) wanted=$test ;;
lint) wanted=$lint ;;
fuzz) wanted=$fuzz ;;
fetch) wanted=$fetch ;;
*)
    echo "usage: setup.sh run|test|lint|fuzz|fetch" >&2
    exit 2
    ;;
esac

say() {
    printf '%s\n' "$*" >&2
}

# Without dpkg there are other names for all this; what can be asked everywhere is whether it is there.
check_without_dpkg() {
    modules="libssl libuv libarchive zlib libpcre2-8 libmaxminddb librrd sqlite3 libcyaml yaml-0.1 jansson libxml-2.0 fontconfig pangocairo"
    tools="cc pkg-config"
    case "$1" in
    test) modules="$modules cmocka" tools="$tools bats xgettext rrdtool mmdblookup mawk jq sqlite3" ;;
    lint) modules="$modules cmocka" tools="$tools clang-format cppcheck shellcheck" ;;
    fetch) modules="" tools="npm" ;;
    esac
    lacking=""
    for tool in $tools; do
        command -v "$tool" >/dev/null || lacking="$lacking $tool"
    done
    for module in $modules; do
        pkg-config --exists "$module" 2>/dev/null || lacking="$lacking $module"
    done
    [ -n "$lacking" ] || exit 0
    say "setup: this is no Debian, so nothing is installed by itself; please install what provides:"
    say " $lacking"
    exit 1
}

command -v dpkg-query >/dev/null || check_without_dpkg "$1"

missing=""
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=""
    [ "${status#installed}" != "$status" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    say "setup: packages are missing and installing them needs root; please run:"
    say "  sudo apt-get install --no-install-recommends$missing"
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    say "setup: there is no apt-get here; please install:$missing"
    exit 1
fi

say "setup: installing$missing"
apt() {
    # env, since sudo drops the variable.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@" </dev/null
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of names
if ! { apt update && apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    say "setup: apt-get failed (its last lines are above); mend that, or install by hand:$missing"
    exit 1
fi
