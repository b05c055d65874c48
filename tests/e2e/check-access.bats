#!/usr/bin/env bats
# What can't be read, written or used ends in a sentence that says whose it is and what to do.

setup() {
    # Readable for another user, unlike the runner's own folder.
    dir=$(mktemp -d)
    chmod 755 "$dir"
    cd "$dir" || return
    cp "$SCANTIDE" scantide
    mkdir share data
    cp -r "$(dirname "$BATS_TEST_DIRNAME")/../parsers" "$(dirname "$BATS_TEST_DIRNAME")/../rrd" share/
    chmod -R a+rX share
    export SCANTIDE_SHARE=$dir/share
    printf 'inputs: [{file: %s/kern.log}]\ndata: %s/data\n' "$dir" "$dir" >conf.yaml
    echo line >kern.log
}

teardown() {
    cd / && rm -rf "$dir"
}

# Root may do everything, so root's tests run as somebody else.
unprivileged() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    fi
}

@test "a log that this user may not read" {
    chmod 600 kern.log
    [ "$(id -u)" -eq 0 ] || chmod 000 kern.log
    chmod 777 data
    run unprivileged ./scantide check --config conf.yaml
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == "$dir/kern.log: can't be read: it belongs to "*"setfacl "* ]]
}

@test "a log of a group that one can join" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to give the file away"
    chown root:adm kern.log && chmod 640 kern.log
    chmod 777 data
    run unprivileged ./scantide check --config conf.yaml
    [ "$status" -eq 2 ]
    [[ $output == "$dir/kern.log: can't be read: it belongs to root:adm with mode 0640; join the group with "*"usermod -aG adm "* ]]
}

@test "a data folder that this user may not write" {
    chmod 555 data
    run unprivileged ./scantide check --config conf.yaml
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == "$dir/data: can't be written: it belongs to "*"--data" ]]
}

@test "a data folder that can't be made" {
    chmod 555 data
    run unprivileged ./scantide check --config conf.yaml --data "$dir/data/below"
    [ "$status" -eq 2 ]
    [[ $output == "$dir/data/below: can't be written: $dir/data belongs to "* ]]
}

@test "a data folder whose path leads through a file" {
    run ./scantide check --config conf.yaml --data "$dir/kern.log/below"
    [ "$status" -eq 2 ]
    [[ $output == "$dir/kern.log/below: can't be written: "*"is a file, where a folder must be"* ]]
}

@test "a folder in place of a log" {
    rm kern.log && mkdir kern.log
    run ./scantide check --config conf.yaml
    [ "$status" -eq 2 ]
    [ "$output" = "$dir/kern.log: can't be read: it is a folder; name a file in it" ]
}

@test "a country database that is none, or isn't there" {
    echo "no database" >country.mmdb
    printf 'geo: {country: %s/country.mmdb}\n' "$dir" >>conf.yaml
    run ./scantide check --config conf.yaml
    [ "$status" -eq 2 ]
    [[ $output == "$dir/country.mmdb: "*"geo: country:"* ]]
    rm country.mmdb
    run ./scantide check --config conf.yaml
    [ "$status" -eq 2 ]
    [ "$output" = "$dir/country.mmdb: can't be read: it doesn't exist; is the path right?" ]
}

@test "a configuration that isn't there" {
    run ./scantide check --config "$dir/none.yaml"
    [ "$status" -eq 2 ]
    [ "$output" = "$dir/none.yaml: can't be read: it doesn't exist; is the path right?" ]
}
