# Counts dropped packets by protocol and port, as somebody careful would in a line of awk: what a log analyser has to beat.
/ DROP / && match($0, / PROTO=[A-Za-z0-9]+/) {
    key = substr($0, RSTART + 7, RLENGTH - 7)
    if ((key == "TCP" || key == "UDP") && match($0, / DPT=[0-9]+/))
        key = key " " substr($0, RSTART + 5, RLENGTH - 5)
    count[key]++
}
END { for (key in count) print count[key], key }
