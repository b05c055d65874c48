#!/bin/sh
# gather.sh BUILD [POT] - gathers what is to be translated into src/po/scantide.pot, and takes it over into src/po/*.po;
# `make pot` calls it. With POT it writes that file alone.
#
# Marked sentences of the sources are found by xgettext. Words of rrd/*.yaml become a source in BUILD that says for each where it stands.
set -eu

cd "$(dirname "$0")/../.."
words=$1/po/words.c pot=${2-src/po/scantide.pot}
mkdir -p "$1/po"

# shellcheck disable=SC2016 # awk's own $
awk '
function put(context, text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    printf "#line %d \"%s\"\n%s\"%s\");\n", FNR, FILENAME, context ? "_x(\"" context "\", " : "_(", text
}
function value(text) {
    sub(/^[a-z_0-9]+: */, "", text)
    gsub(/^['\''"]|['\''"]$/, "", text)
    return text
}
# One key of {port: 23/tcp, name: Telnet, why: "..."}.
function of_entry(key,    text) {
    if (!match($0, key ": *(\"[^\"]*\"|[^,}\"]*)")) return ""
    text = substr($0, RSTART, RLENGTH)
    return value(text)
}
FNR == 1 { part = "" }
/^[a-z]+:/ { part = $1 }
FILENAME == "rrd/chart.yaml" && part == "words:" && /^  [a-z]/ { sub(/^ */, ""); put("chart", value($0)) }
FILENAME == "rrd/chart.yaml" && part == "fonts:" && /^  (text|figures):/ { sub(/^ */, ""); put("font", value($0)) }
FILENAME == "rrd/chart.yaml" && part == "names:" && /^  - / { put("chart", of_entry("name")) }
FILENAME ~ /charts\// && /^title: / { put("chart", value($0)) }
FILENAME == "rrd/ports.yaml" && /^  - / {
    put("", of_entry("name"))
    if (of_entry("why") != "") put("", of_entry("why"))
}' rrd/chart.yaml rrd/charts/*.yaml rrd/ports.yaml >"$words"

xgettext --language=C --from-code=UTF-8 --keyword=_ --keyword=_n:1,2 --keyword=_x:1c,2 --keyword=N_ --keyword=Nx_:1c,2 \
    --flag=_:1:pass-c-format --flag=_n:1:pass-c-format --flag=_n:2:pass-c-format --flag=_x:2:pass-c-format \
    --flag=text_of:1:c-format --flag=put_rest:2:c-format --flag=xasprintf:1:c-format --flag=snprintf:3:c-format --flag=fprintf:2:c-format \
    --add-comments --sort-output --no-location --no-wrap --package-name=scantide \
    --output="$pot.new" src/base/*.c src/chart/*.c src/report/*.c "$words"
# When it was made is no news.
sed '/^"POT-Creation-Date:/d' "$pot.new" >"$pot"
rm -f "$pot.new"
[ $# -gt 1 ] && exit

for po in src/po/*.po; do
    [ -f "$po" ] || continue
    msgmerge --quiet --no-fuzzy-matching --no-location --no-wrap "$po" "$pot" | msgattrib --no-obsolete --no-wrap >"$1/po/merged"
    cmp -s "$1/po/merged" "$po" || cp "$1/po/merged" "$po"
done
