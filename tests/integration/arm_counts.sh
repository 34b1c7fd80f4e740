#!/bin/bash
# SPDX-License-Identifier: MIT
# arm_counts.sh BUILD: an embedding takes no more aarch64 instructions than the committed table says, and the counting
# is right: what lies between two marks equals a run of three embeddings minus a run of two.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0
check() {
    local what=$1
    shift
    if "$@"; then
        echo "ok - $what"
        passed=$((passed + 1))
    else
        echo "not ok - $what"
        failed=$((failed + 1))
    fi
}
check "instructions as expected" make --no-print-directory check-arm-counts
check "the difference of two runs is the same" make --no-print-directory check-arm-counts VERIFY=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
