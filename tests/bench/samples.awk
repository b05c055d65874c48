# The samples of parser files as a stream: awk -v lines=N [-v only=NAME] -f samples.awk parsers/*.yaml. The same each time, whatever the awk.
FNR == 1 { name = FILENAME; sub(/.*\//, "", name); sub(/\.yaml$/, "", name); in_samples = 0 }
/^[a-z]+:/ { in_samples = /^samples:/ }
in_samples && (only == "" || only == name) && /^  - line: '.*'$/ {
    line = substr($0, 12, length($0) - 12)
    gsub(/''/, "'", line)
    if (!(name in count)) names[formats++] = name
    sample[name, count[name]++] = line
}
function below(n) {
    state = (state * 16807) % 2147483647
    return state % n
}
END {
    state = 20261124
    for (i = 0; i < lines; i++) {
        name = names[below(formats)]
        print sample[name, below(count[name])]
    }
}
