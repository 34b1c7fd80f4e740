#!/bin/bash
# SPDX-License-Identifier: MIT
# faceauth-live.sh BUILD: frames from pipes, files, folders and cameras, the prompt, and waiting after failed logins.
build=${1:?usage: faceauth-live.sh BUILD}
. "$(dirname "$0")/check.bash"

export VE_MODEL=$source_tree/weights/face-atto.vew
export HOME=$work/home
unset XDG_DATA_HOME
mkdir "$HOME"
store=$work/faces.ves
pictures=$source_tree/examples/portraits
ride=$pictures/ride-1.jpg ride2=$pictures/ride-2.jpg turned=$pictures/ride-2-turned.jpg
small=$pictures/ride-2-recompressed.jpg ochoa=$pictures/ochoa-1.jpg collins=$pictures/collins.jpg

# fa STATUS ARGUMENT...: with failed attempts forgotten.
fa() {
    rm -f "$store.attempts"
    counted "$@"
}
# counted STATUS ARGUMENT...: with failed attempts as they are.
counted() {
    local wanted=$1
    shift
    gives "$wanted" faceauth --aligned --store "$store" "$@"
}
# piped STATUS ARGUMENT...: standard input is the test's.
piped() {
    local wanted=$1
    shift
    rm -f "$store.attempts"
    program faceauth --aligned --store "$store" "$@" >"$out" 2>"$err"
    status=$?
    [ "$status" -eq "$wanted" ] || { echo "#   exit status $status instead of $wanted"; return 1; }
}
pipe_in() { # FILE STATUS ARGUMENT...
    local file=$1
    shift
    cat "$file" | piped "$@"
}
# within SECONDS COMMAND...: and it took no longer.
within() {
    local limit=$1 before=$SECONDS
    shift
    "$@" && [ $((SECONDS - before)) -le "$limit" ]
}

fa 0 register "Sally Ride" "$ride"
cat "$ride2" "$turned" "$small" "$ride2" "$turned" "$small" >"$work/ride.mjpeg"
cat "$ochoa" "$ochoa" "$pictures/ochoa-2.jpg" >"$work/ochoa.mjpeg"

# ---- a file of JPEGs, of which none is passed over
ok "a file of frames" fa 0 --debug login "Sally Ride" "$work/ride.mjpeg"
ok "  stops after 5 good ones, of which 3 decide" complains "5 frames, 0 damaged, 5 good, the best 3"
ok "--frames 2" fa 0 --debug --frames 2 login "Sally Ride" "$work/ride.mjpeg"
ok "  stops after 2" complains "2 frames, 0 damaged, 2 good, the best 2"
ok "a stranger's frames" fa 1 login "Sally Ride" "$work/ochoa.mjpeg"
ok "  are rejected" prints "does not look like Sally Ride"
cat "$ride2" "$ochoa" "$ride2" >"$work/two.mjpeg"
ok "two people in turn" fa 1 login "Sally Ride" "$work/two.mjpeg"
ok "  are noticed" prints "one and the same face"
(printf 'noise before'; cat "$ride2"; printf '\xff\xd8\xff\xe0\x00\x05abc, no marker'; head -c 4000 "$turned"; cat "$small"
 printf 'and after') >"$work/dirty.mjpeg"
ok "noise and a frame that breaks off" fa 0 --debug login "Sally Ride" "$work/dirty.mjpeg"
ok "  leave two good ones" complains "2 good"
head -c 4000 "$ride2" >"$work/cut.mjpeg"
ok "half a frame is no frame" fa 2 login "Sally Ride" "$work/cut.mjpeg"
ok "  which is said" complains "there was no frame"
: >"$work/empty.mjpeg"
ok "nor is an empty file" fa 2 login "Sally Ride" "$work/empty.mjpeg"
ok "a file that is not there" fa 2 login "Sally Ride" "$work/absent.mjpeg"
ok "  is named" complains "absent.mjpeg: No such file"
# A preview in the header has an end of image of its own.
{ head -c 2 "$ride2"; printf '\xff\xe1'; printf '\\x%02x\\x%02x' $((($(stat -c %s "$small") + 2) / 256)) $((($(stat -c %s "$small") + 2) % 256)) |
    xargs -0 printf; cat "$small"; tail -c +3 "$ride2"; } >"$work/preview.mjpeg"
ok "a frame with a preview inside" fa 0 --debug login "Sally Ride" "$work/preview.mjpeg"
ok "  is one frame" complains "1 frames, 0 damaged, 1 good"
mkdir "$work/dark"
{ printf 'P6 112 112 255\n'; head -c 37632 /dev/zero; } >"$work/dark/1.ppm"
ok "a black frame" fa 1 --json login "Sally Ride" "$work/dark"
ok "  is too dark" prints '"reason":"too_dark"'
ok "  with advice" complains "more light"

# ---- a folder
mkdir "$work/folder"
cp "$ride2" "$work/folder/1.jpg" && cp "$turned" "$work/folder/2.JPG" && echo text >"$work/folder/notes.txt"
ok "a folder of pictures" fa 0 --debug login "Sally Ride" "$work/folder"
ok "  without what is no picture" complains "2 frames, 0 damaged, 2 good"
mkdir "$work/nothing"
ok "an empty folder" fa 2 login "Sally Ride" "$work/nothing"
ok "  has no frame" complains "there was no frame"
head -c 3000 "$ride2" >"$work/folder/0.jpg"
ok "a damaged picture among good ones" fa 0 --debug login "Sally Ride" "$work/folder"
ok "  is passed over" complains "1 damaged"

# ---- a pipe
ok "frames on standard input" pipe_in "$work/ride.mjpeg" 0 login "Sally Ride"
ok "frames on -" pipe_in "$work/ride.mjpeg" 0 login "Sally Ride" -
ok "a stranger's are rejected" pipe_in "$work/ochoa.mjpeg" 1 login "Sally Ride"
ok "standard input without a byte" fa 2 login "Sally Ride"
ok "  has no frame" complains "there was no frame"
program faceauth --aligned --store "$store" login "Sally Ride" <&- >"$out" 2>"$err"
ok "closed standard input" test $? -eq 2
ok "a pipe that never brings anything" \
    bash -c 'sleep 3 | { "$0" --aligned --timeout 1 --store "$1" login "Sally Ride" 2>"$2"; [ $? -eq 2 ]; }' \
    "$build/bin/faceauth" "$store" "$err"
ok "  is given up in time" complains "no frame came in time"
ok "register from frames" pipe_in "$work/ochoa.mjpeg" 0 register "Ellen Ochoa"
ok "  one template" prints "with 1 picture"
ok "identify from frames" pipe_in "$work/ochoa.mjpeg" 0 identify
ok "  names her" prints "accepted: Ellen Ochoa"
ok "--add of a stranger's frames is refused" pipe_in "$work/ride.mjpeg" 1 register --add "Ellen Ochoa"
ok "a slow pipe" within 5 bash -c '(for i in 1 2 3; do cat "$3"; sleep 0.3; done) |
    "$0" --aligned --store "$1" login "Sally Ride" >/dev/null 2>"$2"' "$build/bin/faceauth" "$store" "$err" "$ride2"

# ---- a camera on the network
if program faceauth --aligned --store "$store" --camera http://127.0.0.1:1/ login "Sally Ride" 2>&1 | grep -q "without libcurl"; then
    echo "skip - cameras: built without libcurl"
else
    python3 "$source_tree/tests/cli/mjpeg_server.py" "$work/port" "$ride2" "$turned" "$small" &
    server=$!
    trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
    while [ ! -s "$work/port" ]; do sleep 0.1; done
    camera=http://127.0.0.1:$(cat "$work/port")
    for what in good nolength quoted dashes wrongboundary bare slow; do
        ok "camera: $what" within 6 fa 0 --camera "$camera/$what" login "Sally Ride"
    done
    ok "camera: a stranger" fa 1 --camera "$camera/good" login "Ellen Ochoa"
    ok "camera: through no proxy" env http_proxy=http://127.0.0.1:1 "$build/bin/faceauth" --aligned --store "$store" \
        --camera "$camera/good" -q login "Sally Ride"
    ok "camera: pictures that break off" fa 2 --timeout 1 --camera "$camera/cut" login "Sally Ride"
    ok "  are no frames" complains "none could be decoded"
    ok "camera: a terabyte is announced" within 3 fa 2 --camera "$camera/hugelength" login "Sally Ride"
    ok "  and refused" complains "announces a picture of 1099511627776 bytes"
    ok "camera: a length that is no number" fa 2 --camera "$camera/badlength" login "Sally Ride"
    ok "  is said" complains "no number"
    ok "camera: silence" within 4 fa 2 --timeout 1 --camera "$camera/silent" login "Sally Ride"
    ok "  is said" complains "no frame came in time"
    ok "camera: not found" fa 2 --camera "$camera/missing" login "Sally Ride"
    ok "  is said" complains 404
    ok "camera: text" fa 2 --camera "$camera/text" login "Sally Ride"
    ok "  is no JPEG" complains "no JPEG"
    ok "camera: nobody there" fa 2 --camera http://127.0.0.1:1/ login "Sally Ride"
    ok "camera: a file's address" fa 2 --camera "file://$work/ride.mjpeg" login "Sally Ride"
fi

# ---- failed logins: five, then a wait; fifty, then no more
rm -f "$store.attempts"
for i in 1 2 3 4 5; do counted 1 login "Sally Ride" "$collins"; done
ok "the fifth is still looked at" prints "does not look like"
ok "after five failures even the right face must wait" counted 1 login "Sally Ride" "$ride2"
ok "  which is said" prints "after 5 failed attempts the next one for Sally Ride may come in"
ok "  with a reason in JSON" counted 1 --json login "Sally Ride" "$ride2"
ok "  wait" prints '"reason":"wait"'
ok "  no longer than 30 seconds" test "$(sed -nE 's/.* in ([0-9]+) seconds.*/\1/p' "$out")" -le 30
ok "  others need not" counted 0 login "Ellen Ochoa" "$ochoa"
ok "the count is private" test "$(stat -c %a "$store.attempts")" = 600
# boot's time and the clock's time, seconds of the past
age() { awk -v by="$1" '{$2 -= by; $3 -= by; print}' "$store.attempts" >"$work/aged" && cat "$work/aged" >"$store.attempts"; }
age 31
ok "after 31 seconds it may try again" counted 1 login "Sally Ride" "$collins"
ok "  and is looked at" prints "does not look like"
ok "then the wait is longer" counted 1 login "Sally Ride" "$collins"
ok "  about 60 seconds" test "$(sed -nE 's/.* in ([0-9]+) seconds.*/\1/p' "$out")" -gt 50
awk '{$2 += 100000; print}' "$store.attempts" >"$work/aged" && cat "$work/aged" >"$store.attempts"
ok "a clock set back does not shorten the wait" counted 1 login "Sally Ride" "$ride2"
ok "  nor lock for long" test "$(sed -nE 's/.* in ([0-9]+) seconds.*/\1/p' "$out")" -le 60
awk '{$2 -= 200000; print}' "$store.attempts" >"$work/aged" && cat "$work/aged" >"$store.attempts"
ok "a clock set forward does not, either" counted 1 login "Sally Ride" "$ride2"
age 100
ok "after the wait the right face gets in" counted 0 login "Sally Ride" "$ride2"
ok "  which forgets the failures" test ! -s "$store.attempts"
for i in 1 2 3 4; do counted 1 login "Sally Ride" "$collins"; done
ok "four failures do no harm" counted 0 login "Sally Ride" "$ride2"
for i in 1 2 3 4 5 6; do counted 2 login "Sally Ride" "$work/absent.jpg"; done
ok "attempts without a face do not count" counted 0 login "Sally Ride" "$ride2"
for i in 1 2 3 4 5 6; do counted 1 login nobody "$ride2"; done
ok "names that nobody has do not count" test ! -s "$store.attempts"
echo "50 1 1 - Sally Ride" >"$store.attempts"
ok "after fifty failures nobody gets in" counted 1 login "Sally Ride" "$ride2"
ok "  which is said" prints "is locked"
ok "until it is unlocked" counted 0 unlock "Sally Ride"
ok "  then it works" counted 0 login "Sally Ride" "$ride2"
ok "unlock of somebody unknown" counted 1 unlock nobody
echo "rubbish" >"$store.attempts"
ok "a count that cannot be read forgives nothing" counted 2 login "Sally Ride" "$ride2"
ok "  and is named" complains "faces.ves.attempts"
rm -f "$store.attempts"
ln -s "$work/elsewhere" "$store.attempts"
ok "nor is a link followed" counted 2 login "Sally Ride" "$ride2"
rm -f "$store.attempts"
counted 1 login "Sally Ride" "$collins"
ok "removing somebody forgets the failures" counted 0 remove "Sally Ride"
ok "  all of them" test ! -s "$store.attempts"

# ---- calibrate
fa 0 register "Sally Ride" "$ride" "$ride2"
ok "calibrate" fa 0 calibrate
ok "  counts pairs of one person" prints "the same person: 1 pairs"
ok "  and of two" prints "strangers: 2 pairs"
ok "  and does not overrate them" prints "may be as high as 1"
ok "calibrate with --far" fa 0 --far 1e-2 calibrate
ok "  tells its threshold" prints "threshold $(threshold "$VE_MODEL" 1e-2)"

# ---- the prompt
talk() { # TEXT STATUS
    printf '%b' "$1" >"$work/typed"
    rm -f "$store.attempts"
    program faceauth --aligned --store "$store" <"$work/typed" >"$out" 2>"$err"
    status=$?
    [ "$status" -eq "$2" ] || { echo "#   exit status $status instead of $2"; return 1; }
}
ok "the prompt lists and quits" talk 'list\nquit\nlist\n' 0
ok "  once" test "$(grep -c 'Sally Ride' "$out")" -eq 1
ok "a name in quotes" talk "login \"Sally Ride\" '$ride2'\n" 0
ok "  is accepted" prints "accepted: Sally Ride"
ok "the last command gives the status" talk "login 'Sally Ride' $ride2\nlogin 'Sally Ride' $collins\n" 1
ok "register, login, remove" talk "register bob $collins\nlogin bob $collins\nremove bob\n" 0
ok "  three words of it" test "$(grep -c '^accepted' "$out")" -eq 3
ok "a mistake does not end it" talk "frob\nlist\n" 0
ok "  is said" complains "no such command: frob"
ok "a login without pictures wants a camera" talk "login 'Sally Ride'\n" 2
ok "  or pictures" complains "no picture was given"
ok "a quote without its partner" talk "login 'Sally Ride\n" 2
ok "  is said" complains "without its partner"
ok "nothing typed" talk "" 0
ok "empty lines" talk "\n  \n\t\n" 0

summary
