# Imports: beside mawk, on one core and on two, of ten times the lines, of ten times the sources.
# shellcheck shell=sh disable=SC2154 # run.sh's variables

mawk_run() {
    timed mawk mawk -f tests/bench/port.awk "$log" >"$dir/ports.mawk"
}
ours_run() {
    import ours "$log"
}

part_import() {
    lines=$((10 * million))
    make_log "$lines.log" "$tools/benchlog" "$lines"
    section import "import of $lines lines, facts and RRDs written"
    in_turn mawk_run ours_run
    whole ours
    our_ports ours >"$dir/ports.want"
    same mawk "$dir/ports.mawk"
    row "mawk, counting by port: a line" "$(compute "$(of mawk cpu) * 1e9 / $lines" %.0f)" ns
    row "scantide import: a line, wall" "$(compute "$(of ours wall) * 1e9 / $lines" %.0f)" ns
    row "scantide import: a line, processor" "$(compute "$(of ours cpu) * 1e9 / $lines" %.0f)" ns
    compute "$(of ours wall) * 1e9 / $lines" >"$dir/import.ns"
    row "import, wall, of mawk's" "$(compute "$(of ours wall) / $(of mawk wall)")" times "at most 0.45"
    row "import, processor, of mawk's" "$(compute "$(of ours cpu) / $(of mawk cpu)")" times "at most 0.9 on two cores"
    row "import, its peak" "$(of ours memory)" MB "under 150"
    row "distinct ports" "$(wc -l <"$dir/ports.want")" ""
}

one_core() {
    import one_core "$log" taskset -c 0
}
two_cores() {
    import two_cores "$log" taskset -c 0,1
}
part_cores() {
    make_log "$million.log" "$tools/benchlog" "$million"
    section cores "cores"
    if [ "$(nproc)" -lt 2 ]; then
        note "one core only: cores aren't compared"
        return
    fi
    in_turn one_core two_cores
    whole two_cores
    row "one core: a line" "$(compute "$(of one_core wall) * 1e9 / $million" %.0f)" ns
    row "two cores: a line" "$(compute "$(of two_cores wall) * 1e9 / $million" %.0f)" ns
    row "two cores, of one's time" "$(compute "$(of two_cores wall) / $(of one_core wall)")" times
    row "two cores, of one's processor time" "$(compute "$(of two_cores cpu) / $(of one_core cpu)")" times
}

part_size() {
    section size "ten times the lines"
    for n in "$million" $((10 * million)); do
        make_log "$n.log" "$tools/benchlog" "$n"
        import "size.$n" "$log"
        import "size.$n" "$log"
        row "$n lines: a line, processor" "$(compute "$(of "size.$n" cpu) * 1e9 / $n" %.0f)" ns
        row "$n lines: peak" "$(of "size.$n" memory)" MB
    done
    row "ten times the lines, of ten times the time" \
        "$(compute "$(of "size.$n" cpu) / 10 / $(of "size.$million" cpu)")" times "at most 1.1"
    row "ten times the lines, of the memory" "$(compute "$(of "size.$n" memory) / $(of "size.$million" memory)")" times "at most 1.1"
}

few_sources() {
    import few "$dir/few.$million.log"
}
many_sources() {
    import many "$log"
}
part_sources() {
    make_log "few.$million.log" "$tools/benchlog" "$million" 86400 $((million / 21))
    make_log "$million.log" "$tools/benchlog" "$million"
    section sources "ten times the distinct sources"
    in_turn few_sources many_sources
    for name in few many; do
        whole $name
        row "$name sources: how many" "$("$scantide" sql --config "$dir/$name.yaml" --format csv 'SELECT count(DISTINCT source) FROM sources' 2>/dev/null | tail -n 1)" ""
    done
    row "many sources, processor, of few's" "$(compute "$(of many cpu) / $(of few cpu)")" times "at most 1.5"
}
