#!/bin/bash
# SPDX-License-Identifier: MIT
# pytorch.sh BUILD: the whole way from safetensors to an embedding against PyTorch and Pillow, on models of
# published shapes and on random pictures; and the committed fixtures are still what the references say.
build=${1:?the build folder}
. "$(dirname "$0")/../cli/check.bash"
cd "$source_tree" || exit 2
python=/usr/bin/python3

against_pytorch() { "$python" tools/reference/check-full.py --bin "$build/bin" "$@" >"$out" 2>"$err"; }
for name in convnext_atto convnextv2_atto convnext_tiny; do
    ok "$name agrees with PyTorch" against_pytorch --model "$name" --size 224x224 --size 160x96
done
fixtures_agree() { "$python" tools/reference/make-fixtures.py --compare tests/fixtures >"$out" 2>"$err"; }
ok "the fixtures are what the references make" fixtures_agree
pictures_agree() { "$python" tools/reference/make-image-fixtures.py --check "$build" -n 150 --seed 1 >"$out" 2>"$err"; }
ok "pictures are resized and cropped as Pillow does" pictures_agree
summary
