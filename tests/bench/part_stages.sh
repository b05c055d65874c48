# What each stage of an import costs, of all formats and parser files: processor time on one core.
# shellcheck shell=sh disable=SC2154 # run.sh's variables

part_stages() {
    make_log "$million.log" "$tools/benchlog" "$million"
    section stages "one core, by stage"
    rm -rf "$dir/state" "$dir/mawk.times"
    in_turn mawk_run
    "$tools/stages" ${geo:+--geo "$geo"} "$log" "$dir/state" >"$dir/stages"
    while read -r stage ns; do
        row "$stage: a line" "$ns" ns
    done <"$dir/stages"
    counted=$(awk '$1 != "store" && $1 != "series" { n += $2 } END { print n }' "$dir/stages")
    row "split to tally, of mawk's" "$(compute "$counted / ($(of mawk cpu) * 1e9 / $million)")" times "at most 0.45"
}

# parse_ns LOG PARSERS: of one line, all that matching it takes.
parse_ns() {
    rm -rf "$dir/state"
    "$tools/stages" --rounds 5 --to parse --parsers "$2" "$1" "$dir/state" | awk '$1 == "parse" { print $2 }'
}

part_formats() {
    section formats "one core, by format and by parser files"
    make_log iptables.log mawk -v lines=200000 -v only=iptables -f tests/bench/samples.awk parsers/*.yaml
    pure=$log
    make_log mixed.log mawk -v lines=200000 -f tests/bench/samples.awk parsers/*.yaml
    mkdir -p "$dir/one"
    cp parsers/iptables.yaml "$dir/one"
    of_pure=$(parse_ns "$pure" parsers)
    of_mixed=$(parse_ns "$log" parsers)
    row "iptables' samples: a line" "$of_pure" ns
    row "all formats' samples, shuffled: a line" "$of_mixed" ns
    row "shuffled, of iptables'" "$(compute "$of_mixed / $of_pure")" times "at most 2"
    row "all $(find parsers -name '*.yaml' | wc -l) parser files, of iptables' alone" "$(compute "$of_pure / $(parse_ns "$pure" "$dir/one")")" times "at most 1.15"
}
