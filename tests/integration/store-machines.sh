#!/bin/bash
# SPDX-License-Identifier: MIT
# A store moves between x86-64, aarch64 and armhf unchanged: each machine (the others under qemu-user) shows the same
# contents, and reads what each of the others wrote.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags=(-std=c99 -D_POSIX_C_SOURCE=200809L -O2 -ffp-contract=off -Iinclude -Ilib -static -pthread)
sources=(tests/store/store_moves.c lib/store/*.c lib/base/*.c lib/api/store*.c lib/api/options.c)

# build NAME COMPILER [KERNEL...]: the store and its search alone, with plain C kernels unless the machine has others.
build() {
    local name=$1 compiler=$2
    "$compiler" "${flags[@]}" -o "$work/$name" "${sources[@]}" tests/store/only_scalar.c lib/kernels/search_scalar.c -lm
}
build x86_64 gcc
build aarch64 aarch64-linux-gnu-gcc
build armhf arm-linux-gnueabihf-gcc

run() {
    case $1 in
    x86_64) "$work/x86_64" "$2" "$3" ;;
    aarch64) qemu-aarch64 -L /usr/aarch64-linux-gnu "$work/aarch64" "$2" "$3" ;;
    armhf) qemu-arm -L /usr/arm-linux-gnueabihf "$work/armhf" "$2" "$3" ;;
    esac
}

install -m 600 tests/fixtures/store/v1.ves "$work/store.ves"
for writer in x86_64 aarch64 armhf x86_64; do
    run "$writer" grow "$work/store.ves"
    for reader in x86_64 aarch64 armhf; do
        run "$reader" show "$work/store.ves" >"$work/$reader.txt"
        cmp "$work/x86_64.txt" "$work/$reader.txt"
    done
    written=$((${written:-0} + 1))
    echo "written on $writer: $(wc -l <"$work/x86_64.txt") vectors, the same on all"
done
# Anything that went wrong has ended the script before this line.
echo "$written passed, 0 failed"
