# SPDX-License-Identifier: MIT
# For the scripts beside it: they source this file after setting build. Each check prints a line; summary ends a
# script.
set -u
build=$(cd "$build" && pwd) || exit 2
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
out=$work/out err=$work/err
passed=0 failed=0
# RUN: put before each program, "qemu-aarch64 -L /usr/aarch64-linux-gnu", say
read -ra runner <<<"${RUN:-}"

# program NAME ARGUMENT...
program() {
    local name=$1
    shift
    ${runner[@]+"${runner[@]}"} "$build/bin/$name" "$@"
}

# run PROGRAM ARGUMENT...: keeps its output, errors and exit status in $out, $err and status.
run() {
    program "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

# ok WHAT COMMAND...: passes when the command does.
ok() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok - $what"
        return 0
    fi
    failed=$((failed + 1))
    echo "not ok - $what"
    echo "#   failed: $*"
    [ ! -s "$out" ] || { echo "#   output:" && head -c 600 "$out" | sed 's/^/#     /'; }
    [ ! -s "$err" ] || { echo "#   errors:" && head -c 600 "$err" | sed 's/^/#     /'; }
    return 0
}

# gives STATUS PROGRAM ARGUMENT...: the program ends with that status.
gives() {
    local wanted=$1
    shift
    run "$@"
    [ "$status" -eq "$wanted" ] || { echo "#   exit status $status instead of $wanted"; return 1; }
}

# threshold FILE.vew FAR: the similarity from which it accepts that share of strangers, "none" if it has no such row.
threshold() {
    program ve-export --info "$1" |
        awk -v far="$2" '$1 == "threshold" && $4 + 0 == far + 0 {found = $2} END {print found ? found : "none"}'
}

prints() { grep -qF -- "$1" "$out"; }
complains() { grep -qF -- "$1" "$err"; }
says_nothing() { [ ! -s "$err" ]; }
prints_nothing() { [ ! -s "$out" ]; }

summary() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}
