#!/bin/bash
# SPDX-License-Identifier: MIT
# ve-export.sh BUILD: the program's options, output, exit statuses; what it says and to whom.
set -uo pipefail
build=${1:?usage: ve-export.sh BUILD}
# shellcheck source=tests/cli/check.bash
. "$(dirname "$0")/check.bash"
fixtures=$source_tree/tests/fixtures
input=$fixtures/timm_v1/model.safetensors

files_in() { [ "$(find "$1" -mindepth 1 | wc -l)" -eq "$2" ]; }
same() { cmp -s "$1" "$2"; }

ok "help" gives 0 ve-export --help
ok "goes to standard output" prints "usage: ve-export"
ok "version" gives 0 ve-export --version
ok "is the library's" prints "ve-export $(awk '/define VE_VERSION_(MAJOR|MINOR|PATCH)/ {v = v (v == "" ? "" : ".") $3}
    END {print v}' "$source_tree/include/visembed.h")"
for wrong in "" "a b" "--embedding x $input" "--precision f64 $input" "--nonsense $input" "-o"; do
    # shellcheck disable=SC2086
    ok "wrong usage: '$wrong'" gives 2 ve-export $wrong
    ok "says so on standard error" complains "ve-export: "
done

mkdir "$work/to"
ok "an export" gives 0 ve-export "$input" -o "$work/to/model.vew"
ok "tells the family" complains "timm, convnext_atto"
ok "tells the embedding and why" complains "embedding: norm (what this family calls the embedding"
ok "tells the input and from where" complains "224x224, bicubic, center crop 0.875"
ok "tells what is left out" complains "left out: head.fc.bias, head.fc.weight"
ok "prints nothing on standard output" prints_nothing
ok "leaves one file" files_in "$work/to" 1
ok "readable for all" test "$(stat -c %a "$work/to/model.vew")" = "$(printf %o $((0666 & ~0$(umask))))"
ok "quietly" gives 0 ve-export -q "$input" -o "$work/to/again.vew"
ok "without a word" says_nothing
ok "gives the same bytes" same "$work/to/model.vew" "$work/to/again.vew"
ok "a folder as input" gives 0 ve-export -q "$fixtures/timm_v1" -o "$work/to/folder.vew"
ok "gives the same bytes" same "$work/to/model.vew" "$work/to/folder.vew"

cp "$input" "$work/to/copy.safetensors"
ok "without -o" gives 0 ve-export "$work/to/copy.safetensors"
ok "the name follows the input's" test -s "$work/to/copy.vew"
ok "and defaults are named as such" complains "the family's defaults, no config says"

ok "info of a weight file" gives 0 ve-export --info "$work/to/model.vew"
for line in "architecture   ConvNeXt V1" "embedding      norm, " "precision      f32" "fingerprint    " \
    "source         model.safetensors" "source sha256  $(sha256sum <"$input" | cut -d' ' -f1)" "stem.0.weight"; do
    ok "has '$line'" prints "$line"
done
ok "info of a checkpoint" gives 0 ve-export --info "$input"
ok "has the family" prints "family         timm"
ok "and the tensors' own names" prints "stages.0.blocks.0.conv_dw.weight"
ok "info of a sharded checkpoint" gives 0 ve-export --info "$fixtures/timm_sharded"
ok "has tensors of the last part" prints "head.norm.bias"

ok "other embeddings" gives 0 ve-export "$input" --embedding head -o "$work/to/head.vew"
ok "are told as asked for" complains "head (as asked for"
ok "half precision" gives 0 ve-export -q "$input" --precision f16 -o "$work/to/half.vew"
ok "8 bits" gives 0 ve-export -q "$input" --precision i8 -o "$work/to/coded.vew"
ok "which --info shows" gives 0 ve-export --info "$work/to/coded.vew"
ok "as such" prints "precision      i8"
ok "is smaller" test "$(stat -c %s "$work/to/half.vew")" -lt "$(stat -c %s "$work/to/model.vew")"
ok "a name" gives 0 ve-export -q "$input" --name "my model" -o "$work/to/named.vew"
run ve-export --info "$work/to/named.vew"
ok "is in the file" prints "name           my model"
echo '{"license": "cc-by-nc-4.0"}' >"$work/licence.json"
ok "a licence in the config" gives 0 ve-export "$input" --config "$work/licence.json" -o "$work/to/licence.vew"
ok "is told" complains "licence of the weights: cc-by-nc-4.0"
echo '{"input_size": [3, 64, 48], "thresholds": [[0.01, 0.3]]}' >"$work/own.json"
ok "a config of one's own" gives 0 ve-export -q "$input" --config "$work/own.json" -o "$work/to/own.vew"
run ve-export --info "$work/to/own.vew"
ok "sets the input" prints "48x64"
ok "and the thresholds" prints "0.3 accepts 0.01 of strangers"

# ---- pictures: nearness to f32, and rounding by it
portraits=$source_tree/examples/portraits
mean_of() { awk '/^cosine to f32/ {sub(",", "", $5); print $5}' "$out"; }
for kind in timm_v1 timm_v2; do
    on() { gives 0 ve-export -q "$fixtures/$kind" --config "$work/own.json" --precision "$@"; }
    ok "$kind: --report of f32" on f32 --report "$portraits" -o "$work/to/seen.vew"
    ok "finds no difference" test "$(mean_of)" = 1.000000
    ok "--report of 8 bits" on i8 --report "$portraits" -o "$work/to/plain.vew"
    plain=$(mean_of)
    ok "finds some" test "$plain" != 1.000000
    ok "says where" prints "most arises in "
    ok "--calibrate" on i8 --calibrate "$portraits" --report "$portraits" -o "$work/to/calibrated.vew"
    ok "comes nearer" awk -v a="$plain" -v b="$(mean_of)" 'BEGIN {exit !(b > a)}'
    ok "in as many bytes" test "$(stat -c %s "$work/to/plain.vew")" -eq "$(stat -c %s "$work/to/calibrated.vew")"
    ok "--calibrate again" on i8 --calibrate "$portraits" -o "$work/to/recalibrated.vew"
    ok "gives the same bytes" same "$work/to/calibrated.vew" "$work/to/recalibrated.vew"
done
ok "pictures that are not there" gives 1 ve-export -q "$input" --report "$work/none" -o "$work/to/seen.vew"
ok "a folder without pictures" gives 1 ve-export -q "$input" --report "$fixtures/timm_v1" -o "$work/to/seen.vew"
ok "is told as that" complains "no pictures in"
ok "--calibrate without 8 bits" gives 2 ve-export "$input" --calibrate "$portraits"
ok "no other file stays" test -z "$(find "$work/to" -name '*f32-*')"

# One byte of a tensor: the weight file is damaged, and info says so.
cp "$work/to/model.vew" "$work/damaged.vew"
printf '\377' | dd of="$work/damaged.vew" bs=1 seek=$(($(stat -c %s "$work/damaged.vew") - 2)) conv=notrunc status=none
ok "info of a damaged file fails" gives 1 ve-export --info "$work/damaged.vew"
ok "naming the tensor" complains "its checksum does not match"

mkdir "$work/empty"
ok "a missing input" gives 1 ve-export "$work/nothing"
ok "a folder without a checkpoint" gives 1 ve-export "$work/empty"
ok "is told what is looked for" complains "neither model.safetensors nor"
ok "a missing config" gives 1 ve-export "$input" --config "$work/nothing.json" -o "$work/empty/x.vew"
ok "no folder to write to" gives 1 ve-export "$input" -o "$work/none/x.vew"
ok "the input as output" gives 1 ve-export "$work/to/copy.safetensors" -o "$work/to/copy.safetensors"
ok "is not touched" same "$input" "$work/to/copy.safetensors"
cp "$fixtures/timm_v1/config.json" "$work/to/config.json"
ok "a file of another kind as output" gives 1 ve-export "$input" --config "$work/to/config.json" -o "$work/to/config.json"
ok "is told as that" complains "it exists and is no weight file"
ok "and is not touched" same "$fixtures/timm_v1/config.json" "$work/to/config.json"
mkfifo "$work/to/pipe"
ok "a pipe or a device as output" gives 1 ve-export "$input" -o "$work/to/pipe"
ok "is told as that, too" complains "no regular file"
ok "and is still there" test -p "$work/to/pipe"
: >"$work/to/temporary"
ok "an empty file as output is replaced" gives 0 ve-export -q "$input" -o "$work/to/temporary"
head -c 1000 "$input" >"$work/short.safetensors"
ok "a file that was cut short" gives 1 ve-export "$work/short.safetensors" -o "$work/empty/x.vew"
ok "is told as that" complains "cut short?"
if [ -w /dev/full ]; then
    ulimit_run() { (ulimit -f 16 && trap '' XFSZ && program ve-export "$@") >"$out" 2>"$err"; }
    ok "a full disk fails" eval '! ulimit_run "$input" -o "$work/empty/x.vew"'
fi
# Stopped in the middle of the work (a large checkpoint takes a while to hash and to write).
if [ -x "$build/tests/tools/make_checkpoint" ] && "$build/tests/tools/make_checkpoint" atto "$work/atto.safetensors"; then
    stopped() {
        local pid temporary
        ${runner[@]+"${runner[@]}"} "$build/bin/ve-export" -q "$work/atto.safetensors" -o "$work/empty/x.vew" &
        pid=$!
        for _ in $(seq 400); do
            temporary=$(find "$work/empty" -name 'x.vew.*')
            [ -z "$temporary" ] || break
            sleep 0.002
        done
        kill -TERM $pid 2>/dev/null
        wait $pid 2>/dev/null
        local ended=$?
        rm -f "$work/empty/x.vew" # it may have been faster
        [ $ended -eq 143 ] || [ $ended -eq 0 ]
    }
    ok "stopping it" stopped
fi
ok "failures leave no file" files_in "$work/empty" 0
summary
