#!/bin/bash
# SPDX-License-Identifier: MIT
# faceauth.sh BUILD: registering, logging in, and above all what must be refused.
build=${1:?usage: faceauth.sh BUILD}
. "$(dirname "$0")/check.bash"

export VE_MODEL=$source_tree/weights/face-atto.vew
export HOME=$work/home
unset XDG_DATA_HOME
mkdir "$HOME"
store=$work/faces.ves
pictures=$source_tree/examples/portraits
ride=$pictures/ride-1.jpg ride2=$pictures/ride-2.jpg turned=$pictures/ride-2-turned.jpg
ochoa=$pictures/ochoa-1.jpg ochoa2=$pictures/ochoa-2.jpg collins=$pictures/collins.jpg

# fa STATUS ARGUMENT...: faceauth on the test's store, with failed attempts forgotten (faceauth-live.sh looks at those).
fa() {
    local wanted=$1
    shift
    rm -f "$store.attempts"
    gives "$wanted" faceauth --aligned --store "$store" "$@"
}
# No number that could be a similarity.
no_score() { ! grep -qE '0\.[0-9]{2}' "$out" "$err"; }

# ---- help and mistakes
ok "--help exits with 0" gives 0 faceauth --help
ok "  on standard output" prints "Usage: faceauth"
ok "  names the option for aligned pictures" prints "--aligned"
ok "  says the exit statuses" prints "Exit status: 0"
ok "--version" gives 0 faceauth --version
version=$(sed -n 's/^#define VE_VERSION_[A-Z]* //p' "$source_tree/include/visembed.h" | paste -sd.)
ok "  prints $version" prints "faceauth $version"
mistake() { # WHAT IT MUST SAY, ARGUMENT...
    local say=$1
    shift
    ok "refused: faceauth $(printf '%q ' "$@")" fa 2 "$@"
    ok "  and says why" complains "$say"
    ok "  and prints nothing" prints_nothing
}
mistake "no such command" enrol ann "$ride"
mistake "unrecognized option" --nonsense list
mistake "whose name" login
mistake "--camera goes with" --camera http://127.0.0.1:9/ login ann "$ride"
mistake "--camera goes with" --camera http://127.0.0.1:9/ list
mistake "exclude each other" --far 1e-3 --threshold 0.5 login ann "$ride"
for far in 0 1 -1 nan 1e-3x ""; do
    mistake "--far: want a rate" --far "$far" login ann "$ride"
done
mistake "1 to 600" --timeout 0 login ann "$ride"
mistake "1 to 16" --frames 17 login ann "$ride"
mistake "too many" identify "$ride" "$ochoa"
mistake "takes no pictures" list "$ride"
mistake "takes no pictures" remove ann "$ride"
mistake "--add goes with register" login --add ann "$ride"
for t in 0 0.1 0.96 1 -0.5 nan inf 0.5x "" 0,5; do
    mistake "0.2 to 0.95" --threshold "$t" login ann "$ride"
done
mistake "cannot be empty" register "" "$ride"
mistake "begin or end with a space" register " ann" "$ride"
mistake "control character" register $'ann\nroot' "$ride"
mistake "control character" register $'ann\x1b[2J' "$ride"
mistake "control character" register $'a\u200bnn' "$ride"
mistake "control character" register $'ann\u202e' "$ride"
# A no-break space, a joiner, a filler, a variation selector, a tag, an ideographic space: "ann" to the eye.
for name in $'\u00a0ann' $'an\u034fn' $'ann\u3164' $'ann\ufe0f' $'ann\U000e0061' $'ann\u3000'; do
    mistake "unusual space" register "$name" "$ride"
done
mistake "not valid UTF-8" register $'ann\xff' "$ride"
mistake "not valid UTF-8" register $'ann\xc0\xaf' "$ride"
mistake "255 bytes" register "$(printf 'n%.0s' {1..256})" "$ride"
ok "an empty path of the store" gives 2 faceauth --store "" list
ok "  is said" complains "--store: the path is empty"
ok "none of this made a store" test ! -e "$store"

# ---- nobody is registered
for command in "login ann $ride" "identify $ride" list "remove ann"; do
    ok "no store yet: ${command%% *}" fa 2 $command
    ok "  is said" complains "nobody is registered yet"
done
head -c 4000 "$ride" >"$work/cut.jpg"
ok "registering from a damaged picture fails" fa 2 register ann "$work/cut.jpg"
ok "  names it" complains cut.jpg
ok "  and makes no store" test ! -e "$store"
ok "--add for somebody who is not there" fa 1 register --add ann "$ride"
ok "  makes no store" test ! -e "$store"

# ---- register and log in
ok "register" fa 0 register "Sally Ride" "$ride"
ok "  says so" prints "accepted: Sally Ride"
ok "  the store is private" test "$(stat -c %a "$store")" = 600
ok "login with another picture" fa 0 login "Sally Ride" "$ride2"
ok "  says so" prints "accepted: Sally Ride"
ok "  shows no similarity" no_score
ok "login with several pictures" fa 0 login "Sally Ride" "$ride2" "$turned"
ok "login, quiet" fa 0 -q login "Sally Ride" "$ride2"
ok "  says nothing" prints_nothing
ok "a stranger is rejected" fa 1 login "Sally Ride" "$ochoa"
ok "  says so" prints "rejected: this does not look like Sally Ride"
ok "  shows no similarity" no_score
ok "another stranger is rejected" fa 1 login "Sally Ride" "$collins"
ok "one damaged picture spoils a login" fa 2 login "Sally Ride" "$ride2" "$work/cut.jpg"
ok "  names it" complains cut.jpg
ok "somebody unknown is rejected" fa 1 login ann "$ride"
ok "  before any picture is looked at" fa 1 login ann "$work/absent.jpg"
ok "  or any model opened" fa 1 --model "$work/absent.vew" login ann "$ride"
ok "names are compared byte by byte" fa 1 login "sally ride" "$ride"
ok "--debug shows the similarity" fa 0 --debug login "Sally Ride" "$ride2"
ok "  on standard error" complains "similarity 0."
ok "a stricter threshold" fa 1 --threshold 0.9 login "Sally Ride" "$ride2"
ok "  still accepts the very picture" fa 0 --threshold 0.95 login "Sally Ride" "$ride"
ok "a threshold that is known to be loose" fa 0 --threshold 0.2 login "Sally Ride" "$ride2"
ok "  is warned of" complains "warning: with threshold"

# ---- whose name is whose
cp "$store" "$work/before"
ok "an existing name is refused" fa 1 register "Sally Ride" "$collins"
ok "  says so" prints "registered already"
ok "  even with the right face" fa 1 register "Sally Ride" "$ride2"
ok "--add of another face is refused" fa 1 register --add "Sally Ride" "$collins"
ok "--add of two faces, one wrong, is refused" fa 1 register --add "Sally Ride" "$ride2" "$ochoa"
ok "two people as one are refused" fa 1 register ann "$ochoa" "$collins"
ok "  and named" prints "does not seem to show the same person"
ok "all this left the store as it was" cmp -s "$store" "$work/before"
ok "--add of the right face" fa 0 register --add "Sally Ride" "$ride2"
ok "  makes the turned picture easier" fa 0 --threshold 0.85 login "Sally Ride" "$turned"
ok "a face that belongs to another name" fa 0 register "Ms Hyde" "$turned"
ok "  is warned of" complains "looks like Sally Ride"
ok "  and in JSON as well" fa 0 --json register "Ms Jekyll" "$turned"
ok "  as a reason" prints '"reason":"looks_like_another"'
ok "a person with two pictures" fa 0 register "Ellen Ochoa" "$ochoa" "$ochoa2"
many=()
for i in {1..17}; do many+=("$ochoa"); done
ok "17 pictures are too many" fa 2 register ann "${many[@]}"
ok "15 more than two, too" fa 1 register --add "Ellen Ochoa" "${many[@]:2}"
ok "  says so" prints "a person may have 16"
ok "14 more are not" fa 0 register --add "Ellen Ochoa" "${many[@]:3}"

# ---- identify, list, remove
ok "identify" fa 0 identify "$ochoa2"
ok "  names her" prints "accepted: Ellen Ochoa"
ok "identify somebody with two names" fa 0 identify "$ride"
ok "  warns" complains "would have been accepted, too"
ok "identify a stranger" fa 1 identify "$collins"
ok "  names nobody" prints "rejected: this looks like nobody"
ok "  shows no similarity" no_score
ok "list" fa 0 list
ok "  four names" test "$(wc -l <"$out")" -eq 4
ok "  with their pictures" grep -qP "^Ellen Ochoa\t16 pictures\tsince 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$" "$out"
ok "list as JSON" fa 0 --json list
ok "  one object a line" grep -qE '^\{"name":"Ms Hyde","pictures":1,"added":"20[-0-9T:]+Z"\}$' "$out"
ok "remove" fa 0 remove "Ms Hyde"
ok "  is gone" fa 1 login "Ms Hyde" "$turned"
ok "  a second time is refused" fa 1 remove "Ms Hyde"
ok "  the others are there" fa 0 login "Sally Ride" "$ride"
ok "a removed person can come back" fa 0 register "Ms Hyde" "$turned"
ok "remove all" test "$(for n in "Ms Hyde" "Ms Jekyll" "Sally Ride" "Ellen Ochoa"; do
    fa 0 remove "$n" && echo gone
done | wc -l)" -eq 4
ok "an empty store identifies nobody" fa 1 identify "$ride"
ok "  lists nobody" fa 0 list
ok "  on standard output" prints_nothing

# ---- names
for name in "Zoë Müller" "李小龍" "O'Neil; rm -rf ~" "-dash" "$(printf 'n%.0s' {1..255})"; do
    ok "a name: ${name:0:20}" fa 0 register -- "$name" "$ride"
    ok "  logs in" fa 0 login -- "$name" "$ride"
    ok "  as JSON" fa 0 --json login -- "$name" "$ride"
    ok "  is the same there" prints "\"name\":\"$name\""
    ok "  goes" fa 0 remove -- "$name"
done

# ---- JSON
fa 0 register ann "$ride"
ok "JSON accepted" fa 0 --json login ann "$ride2"
ok "  the whole line" prints '{"command":"login","result":"accepted","reason":null,"name":"ann","message":"ann"}'
ok "JSON rejected" fa 1 --json login ann "$ochoa"
ok "  with a reason" prints '"result":"rejected","reason":"no_match","name":"ann"'
ok "JSON error" fa 2 --json login ann "$work/cut.jpg"
ok "  with a reason" prints '"result":"error","reason":"bad_picture"'
ok "  and on standard error, too" complains cut.jpg
ok "JSON identify of a stranger" fa 1 --json identify "$collins"
ok "  names nobody" prints '"name":null'

# ---- pictures that are no face crops
printf 'P6 300 100 255\n%90000s' '' >"$work/wide.ppm"
ok "a picture that is no face" fa 1 login ann "$work/wide.ppm"
ok "  is told" prints "too little contrast"
ok "  and warned of: it is not square" complains "no aligned, square crop"
ok "  not when quiet" fa 1 -q login ann "$work/wide.ppm"
ok "  but the rejection is said" prints "rejected"
ok "  and nothing else" says_nothing
ok "  as JSON with its reason" fa 1 --json login ann "$work/wide.ppm"
ok "  flat" prints '"reason":"flat"'

# ---- the detector's place
ok "a detector that is not there" gives 2 faceauth --store "$store" --detector "$work/absent.vew" login ann "$ride"
ok "  is named" complains absent.vew
ok "a model as a detector" gives 2 faceauth --store "$store" --detector "$VE_MODEL" login ann "$ride"
ok "  is refused" complains "face-atto.vew"

# ---- rates
strict=$(threshold "$VE_MODEL" 1e-4) loose=$(threshold "$VE_MODEL" 1e-3)
ok "--far" fa 0 --far 1e-3 --debug login ann "$ride2"
ok "  takes the model's threshold" complains "threshold $loose"
ok "--far between two measured ones" fa 0 --far 3e-4 --debug login ann "$ride2"
ok "  lies between their thresholds" test "$(awk -F 'threshold ' -v low="$loose" -v high="$strict" \
    '/threshold/ {print ($2 > low + 0 && $2 < high + 0)}' "$err")" = 1
ok "--far beyond what was measured" fa 2 --far 1e-7 login ann "$ride2"
ok "  is said" complains "no threshold measured"
ok "--far looser than what was measured" fa 2 --far 0.1 login ann "$ride2"
ok "  is said, too" complains "looser than any"

# ---- the store's place, its damage, its model
ok "without --store" gives 0 faceauth --aligned register ann "$ride"
ok "  it is in the home" test -f "$HOME/.local/share/visembed/faces.ves"
ok "  in private folders" test "$(stat -c %a "$HOME/.local/share/visembed")" = 700
XDG_DATA_HOME=$work/data run faceauth --aligned register ann "$ride"
ok "XDG_DATA_HOME" test "$status" -eq 0 -a -f "$work/data/visembed/faces.ves"
(cd "$work" && XDG_DATA_HOME=relative run faceauth --aligned login ann "$ride" && [ "$status" -eq 0 ] && [ ! -e relative ])
ok "a relative one is ignored" test $? -eq 0
(unset HOME && run faceauth list && [ "$status" -eq 2 ] && complains "no HOME")
ok "no home at all" test $? -eq 0
cp "$store" "$work/damaged.ves" && chmod 600 "$work/damaged.ves"
# The bytes of a template, not of the free room behind it.
size=$(stat -c %s "$work/damaged.ves")
for at in 64 $((size / 2)) $((size - 200)); do
    printf '\125\252\125' | dd of="$work/damaged.ves" bs=1 seek=$at conv=notrunc 2>/dev/null
done
ok "a damaged store" gives 2 faceauth --aligned --store "$work/damaged.ves" login ann "$ride"
cp "$work/damaged.ves" "$work/damaged.copy"
ok "  is not written to, either" gives 2 faceauth --aligned --store "$work/damaged.ves" register bob "$ochoa"
ok "  and stays as it is" cmp -s "$work/damaged.ves" "$work/damaged.copy"
cp "$store" "$work/open.ves" && chmod 644 "$work/open.ves"
ok "a store that others may read is refused" gives 2 faceauth --aligned --store "$work/open.ves" login ann "$ride"
# fixture NAME: a weight file made of tests/fixtures, "" when it was not made.
fixture() { find "$build/fixtures" ${VE_TEST_FIXTURES:+"$VE_TEST_FIXTURES"} -name "$1" 2>/dev/null | head -1; }

floats=$(fixture timm_v1.vew) bytes=$(fixture timm_v1.i8.vew)
if [ -n "$floats" ] && [ -n "$bytes" ]; then
    mixed=(--threshold 0.9 --store "$work/mixed.ves")
    ok "a store of a model in f32" fa 0 --model "$floats" "${mixed[@]}" register ann "$ride"
    ok "the same in 8 bits is another model" fa 2 --model "$bytes" "${mixed[@]}" login ann "$ride"
    gives 0 ve-store info "$work/mixed.ves" --json
    print=$(grep -o '"fingerprint":"[0-9a-f]*"' "$out" | cut -d'"' -f4)
    ok "unless declared compatible" fa 0 --model "$bytes" "${mixed[@]}" --compatible "$print" login ann "$ride"
    ok "  for that model only" fa 2 --model "$bytes" "${mixed[@]}" --compatible "${print//[0-9]/f}" login ann "$ride"
    ok "  named by a fingerprint" fa 2 --model "$bytes" "${mixed[@]}" --compatible ann login ann "$ride"
    ok "  and it says so" complains "64 hex digits"
fi

other=$(fixture 'torchvision*.vew')
if [ -n "$other" ]; then
    ok "another model's templates are not compared" fa 2 --model "$other" --threshold 0.5 login ann "$ride"
    ok "  is said" complains "registered anew"
    ok "  nor added" fa 2 --model "$other" --threshold 0.5 register bob "$ochoa"
    ok "a model without thresholds" gives 2 faceauth --aligned --store "$work/other.ves" --model "$other" register ann "$ride"
    ok "  is refused" complains "is it a face embedder"
    ok "  and nothing is stored" test ! -e "$work/other.ves"
    ok "  but with --threshold" gives 0 faceauth --aligned --store "$work/other.ves" --model "$other" --threshold 0.5 register ann "$ride"
fi

# ---- several at once
rm -f "$store"
for i in {1..6}; do
    (faceauth_quiet() { program faceauth -q --aligned --store "$store" register "$@" >/dev/null 2>&1; }
     faceauth_quiet twin "$ride"; echo $? >"$work/twin.$i") &
done
wait
ok "of six who register one name at once, one gets it" \
    test "$(cat "$work"/twin.* | sort | tr -d '\n')" = 011111
ok "  with one picture" test "$(program faceauth --store "$store" --json list)" = \
    "$(program faceauth --store "$store" --json list | grep '"pictures":1,')"

# ---- writing
program faceauth --aligned --store "$store" login twin "$ride" >/dev/full 2>"$err"
ok "a full disk is noticed" test $? -eq 2
program faceauth --aligned --store "$store" login twin "$ride" >&- 2>"$err"
ok "closed standard output is noticed" test $? -eq 2
program faceauth -q --aligned --store "$store" login twin "$ride" 2>&- <&-
ok "closed standard input and error do no harm" test $? -eq 0

summary
