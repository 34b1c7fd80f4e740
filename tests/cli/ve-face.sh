#!/bin/bash
# SPDX-License-Identifier: MIT
# ve-face.sh BUILD: what it prints of aligned crops, with a detector of random weights, and mistakes.
build=${1:?usage: ve-face.sh BUILD}
. "$(dirname "$0")/check.bash"

portraits=$source_tree/examples/portraits
detector=$source_tree/tests/fixtures/detector/detector.vew
unset VE_DETECTOR

ok "--help" gives 0 ve-face --help
ok "  on standard output" prints "Usage: ve-face"
ok "--version" gives 0 ve-face --version
ok "no picture" gives 2 ve-face --aligned
ok "  is said" complains "no picture"
for mistake in "--smallest 19" "--min-score 0" "--threads x" "--nonsense"; do
    # shellcheck disable=SC2086 # two words
    ok "refused: $mistake" gives 2 ve-face --aligned $mistake "$portraits/ride-2.jpg"
done
ok "a detector that is not there" gives 2 ve-face --detector "$work/absent.vew" "$portraits/ride-2.jpg"
ok "  is named" complains absent.vew

ok "aligned crops" gives 0 ve-face --aligned --crops "$work" "$portraits"/*.jpg
ok "  a line for each" test "$(wc -l <"$out")" -eq "$(ls "$portraits"/*.jpg | wc -l)"
ok "  with nothing against them" test "$(grep -c '"reasons":\[\]}$' "$out")" -eq "$(wc -l <"$out")"
ok "  the eyes' distance of 112 pixels" grep -q 'ride-2-small.jpg".*"eye_distance":17.6' "$out"
ok "  crops of 112x112" test "$(head -c 15 "$work/collins.jpg.0.ppm" | tr '\n' ' ')" = "P6 112 112 255 "
if command -v python3 >/dev/null; then
    ok "  each line is JSON" python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$out"
fi
ok "a damaged picture" gives 1 ve-face --aligned "$0" "$portraits/collins.jpg"
ok "  is named" complains "ve-face.sh"
ok "  and the other one printed" prints collins.jpg
ok "a detector" gives 0 ve-face --detector "$detector" --min-score 99 "$portraits/collins.jpg"
ok "VE_DETECTOR" env VE_DETECTOR="$detector" "$build/bin/ve-face" "$portraits/collins.jpg"
ok "percentiles" test "$("$source_tree/tools/measure-quality" "$build" "$portraits" --aligned | grep -c .)" -ge 14

summary
