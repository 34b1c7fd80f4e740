#!/bin/bash
# SPDX-License-Identifier: MIT
# readme.sh BUILD: each complete program among README.md's C examples compiles without a warning and links.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:?usage: readme.sh BUILD}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

awk -v folder="$work" '
    /^```c$/ {inside = 1; file = folder "/example" ++count ".c"; next}
    /^```/ {inside = 0}
    inside {print >file}' "$root/README.md"

for example in "$work"/example*.c; do
    [ -e "$example" ] && grep -q 'int main' "$example" || continue
    if gcc -std=c99 -Wall -Wextra -Werror -I"$root/include" "$example" -o "$work/program" "$build/libvisembed.a" -lm -pthread; then
        passed=$((passed + 1))
        echo "ok - $(basename "$example") of README.md, $(wc -l <"$example") lines"
    else
        failed=$((failed + 1))
    fi
done
[ $((passed + failed)) -gt 0 ] || { echo "README.md has no complete C program"; failed=1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
