#!/bin/bash
# SPDX-License-Identifier: MIT
# install.sh BUILD: installs into a folder, compiles a C and a C++ program against it by pkg-config and by CMake, shared
# and static, runs them and the installed programs; checks that `uninstall` leaves nothing.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:?usage: install.sh BUILD}
fixture=$build/fixtures/timm_v1.vew
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
passed=0 failed=0

# check WHAT COMMAND...: one test; the command's output is shown when it fails.
check() {
    local what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok - $what"
        passed=$((passed + 1))
    else
        echo "FAIL - $what"
        sed 's/^/    /' "$work/log"
        failed=$((failed + 1))
    fi
}

make_target() { make -C "$root" --no-print-directory -j2 "$@"; }
flags() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" visembed; }
# shellcheck disable=SC2046 # lists of flags
compile_c() { gcc -std=c99 -Wall -Wextra -Werror "$root/tests/install/program.c" -o "$@"; }
compile_cc() { g++ -std=c++11 -Wall -Wextra -Werror "$root/tests/install/program.cc" -o "$@"; }
# The archive itself and what pkg-config names behind it: -lvisembed would take the shared library.
static_flags() {
    local all
    all=$(flags --cflags --libs --static) && echo "${all/-lvisembed/-l:libvisembed.a}"
}
run_program() { LD_LIBRARY_PATH=$prefix/lib "$1" "$fixture" >"$1.out" && [ -s "$1.out" ]; }
run_alone() { env -u LD_LIBRARY_PATH "$1" "$fixture" >"$1.out" && [ -s "$1.out" ]; }
is_not_linked() { ! ldd "$1" | grep -q visembed; }
same_output() { cmp "$work/c-shared.out" "$1"; }

check "make install PREFIX=" make_target install PREFIX="$prefix"
check "pkg-config knows the version" flags --atleast-version=0.1
check "the soname links lead to the library" test -f "$prefix/lib/libvisembed.so.0" -a -f "$prefix/lib/libvisembed.so"

# shellcheck disable=SC2046
{
    check "C, shared: compiles" compile_c "$work/c-shared" $(flags --cflags --libs)
    check "C, shared: runs" run_program "$work/c-shared"
    check "C, static: compiles" compile_c "$work/c-static" $(static_flags)
    check "C, static: needs no shared library" is_not_linked "$work/c-static"
    check "C, static: runs" run_alone "$work/c-static"
    check "C++, shared: compiles" compile_cc "$work/cc-shared" $(flags --cflags --libs)
    check "C++, shared: runs" run_program "$work/cc-shared"
    check "C++, static: compiles" compile_cc "$work/cc-static" $(static_flags)
    check "C++, static: runs" run_alone "$work/cc-static"
}
for program in c-static cc-shared cc-static; do
    check "$program gives what c-shared gives" same_output "$work/$program.out"
done

cmake_build() {
    cmake -S "$root/tests/install" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/cmake"
}
if command -v cmake >/dev/null; then
    check "CMake finds it, shared and static" cmake_build
    check "CMake, shared: runs" run_program "$work/cmake/shared"
    check "CMake, static: runs" run_alone "$work/cmake/static"
fi

for program in "$prefix"/bin/*; do
    check "$(basename "$program") --version" "$program" --version
    check "$(basename "$program") has a man page" test -f "$prefix/share/man/man1/$(basename "$program").1"
done
if [ -f "$root/weights/face-atto.vew" ]; then
    check "the weights are installed" test -f "$prefix/share/visembed/face-atto.vew"
fi
readable() { ! find "$prefix" -type f ! -perm -044 | grep .; }
check "everybody may read what is installed" readable

# What is shipped: the library without its symbol table and debug sections.
strip -o "$work/stripped.so" "$prefix"/lib/libvisembed.so.0.*.*
echo "# stripped libvisembed.so: $(stat -c %s "$work/stripped.so") bytes"

nothing_left() { ! find "$1" -not -type d | grep . && ! find "$1" -name 'visembed*' | grep .; }
check "make uninstall" make_target uninstall PREFIX="$prefix"
check "uninstall leaves nothing" nothing_left "$prefix"

# A packager's way: everything under DESTDIR, and nothing that names it.
destination=$work/destination
no_trace() { ! grep -rqF "$destination" "$destination"; }
check "make install DESTDIR= PREFIX=/usr" make_target install DESTDIR="$destination" PREFIX=/usr
check "all of it lies under DESTDIR/usr" test "$(ls "$destination")" = usr
check "no installed file names DESTDIR" no_trace
check "make uninstall DESTDIR= PREFIX=/usr" make_target uninstall DESTDIR="$destination" PREFIX=/usr
check "uninstall leaves nothing there, too" nothing_left "$destination"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
