#!/bin/bash
# SPDX-License-Identifier: MIT
# trainer.sh BUILD: the trainer of the face embedder builds and passes its own tests. It needs AVX-512.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${1:?usage: trainer.sh BUILD}
if ! grep -qw avx512vl /proc/cpuinfo; then
    echo "skip - this processor has no AVX-512"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
make --no-print-directory train >/dev/null || exit 1
output=$(tools/train/embedder/test "$build/train")
sed 's/^ok  /ok -/; s/^FAIL/not ok -/' <<<"$output"
echo "$(grep -c '^ok' <<<"$output") passed, $(grep -c '^FAIL' <<<"$output") failed"
! grep -q '^FAIL' <<<"$output" && grep -q '^ok' <<<"$output"
