#!/bin/bash
# SPDX-License-Identifier: MIT
# demo.sh BUILD: the demonstration goes as it says, leaves nothing behind, and notices when something goes wrong.
build=${1:?usage: demo.sh BUILD}
. "$(dirname "$0")/check.bash"

mkdir "$work/tmp" "$work/home"
TMPDIR=$work/tmp HOME=$work/home XDG_DATA_HOME=$work/home "$source_tree/tools/demo" "$build" >"$out" 2>"$err"
ok "it ends well" test $? -eq 0
ok "it says so" prints "Everything went as it should."
ok "nothing on standard error" says_nothing
ok "it registers" prints "accepted: Sally Ride is registered with 1 picture"
ok "it logs in with each of the five pictures" test "$(grep -cx '    accepted: Sally Ride' "$out")" -ge 5
ok "it refuses strangers" test "$(grep -c 'rejected: this does not look like Sally Ride' "$out")" -eq 3
ok "it says what is wrong with the damaged picture" prints damaged.jpg
ok "it says how long things take" test "$(grep -c 'exit status [012], [0-9.]* ms' "$out")" -ge 15
ok "it leaves no file behind" test -z "$(find "$work/tmp" "$work/home" -type f)"
ok "lines are at most 88 characters, commands and messages apart" \
    test -z "$(grep -v '^    \|^  \$' "$out" | awk 'length > 88')"

# A faceauth that accepts everybody must not pass.
mkdir -p "$work/build/bin"
cp "$build/bin/ve-embed" "$work/build/bin"
printf '#!/bin/sh\nexit 0\n' >"$work/build/bin/faceauth"
chmod +x "$work/build/bin/faceauth"
"$source_tree/tools/demo" "$work/build" >"$out" 2>"$err"
ok "a faceauth that accepts everybody is noticed" test $? -eq 1
ok "  and said" prints "SHOULD NOT HAVE HAPPENED"

summary
