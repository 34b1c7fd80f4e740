#!/bin/bash
# SPDX-License-Identifier: MIT
# rss.sh BUILD: ve-embed with a ConvNeXt-atto in f32 at 224 pixels needs no more memory than the weights and 8 MB on
# one thread, and a quarter of a megabyte more for each further one.
set -uo pipefail
build=${1:?usage: rss.sh BUILD}
tools=$build/tests/tools
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

ok() { echo "ok - $1"; passed=$((passed + 1)); }
fail() { echo "FAIL - $1"; failed=$((failed + 1)); }
# A sanitizer's own memory is not what this is about.
case $build in
*-address* | *-thread* | *-fuzzer*)
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
    ;;
esac

"$tools/make_checkpoint" atto "$work/atto.safetensors" &&
    "$build/bin/ve-export" "$work/atto.safetensors" -q -o "$work/atto.vew" || exit 1
weights=$(stat -c %s "$work/atto.vew")
# A picture of 640 x 480: a camera's frame.
{ printf 'P6 640 480 255\n'; head -c 921600 /dev/urandom; } >"$work/frame.ppm"

for threads in 1 4; do
    if ! "$tools/peak_rss" "$build/bin/ve-embed" -m "$work/atto.vew" --threads $threads "$work/frame.ppm" \
        >"$work/out" 2>"$work/err"; then
        fail "ve-embed with $threads threads: $(cat "$work/err")"
        continue
    fi
    values=$(wc -w <"$work/out")
    [ "$values" -eq 320 ] && ok "$threads threads: 320 values" || fail "$threads threads: $values values, not 320"
    peak=$(awk '/^peak_rss/ {print $2 * 1024}' "$work/err")
    above=$((peak - weights))
    # Each further thread has scratch memory and a stack of its own.
    limit=$((8 * 1024 * 1024 + (threads - 1) * 256 * 1024))
    text="$threads threads: peak $peak bytes, weights $weights, $above above (limit $limit)"
    [ "$above" -le $limit ] && ok "$text" || fail "$text"
    echo "# $text"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
