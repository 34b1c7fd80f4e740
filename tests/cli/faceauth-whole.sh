#!/bin/bash
# SPDX-License-Identifier: MIT
# faceauth-whole.sh BUILD: whole pictures, in which weights/face-detector.vew has to find the face.
build=${1:?usage: faceauth-whole.sh BUILD}
. "$(dirname "$0")/check.bash"

export VE_MODEL=$source_tree/weights/face-atto.vew VE_DETECTOR=$source_tree/weights/face-detector.vew
export HOME=$work/home
unset XDG_DATA_HOME
mkdir "$HOME"
store=$work/faces.ves
whole=$source_tree/examples/portraits/whole crops=$source_tree/examples/portraits

# fa STATUS ARGUMENT...: faceauth on the test's store, with failed attempts forgotten.
fa() {
    local wanted=$1
    shift
    rm -f "$store.attempts"
    gives "$wanted" faceauth --store "$store" "$@"
}

for name in collins ochoa-1 ochoa-2 ride-1 ride-2; do
    ok "$name: looked at" gives 0 ve-face "$whole/$name.jpg"
    ok "  one face" test "$(wc -l <"$out")" -eq 1
    ok "  with nothing against it" prints '"reasons":[]'
done
ok "smaller faces are looked for" gives 0 ve-face --smallest 20 "$whole/collins.jpg"
ok "  and there is still one" test "$(wc -l <"$out")" -eq 1

ok "register" fa 0 register sally "$whole/ride-1.jpg"
ok "login with another picture" fa 0 login sally "$whole/ride-2.jpg"
ok "  with a crop" fa 0 --aligned login sally "$crops/ride-2.jpg"
ok "  with that crop as a picture" fa 0 login sally "$crops/ride-2-turned.jpg"
for other in collins ochoa-1 ochoa-2; do
    ok "$other is not sally" fa 1 login sally "$whole/$other.jpg"
done
ok "ellen" fa 0 register ellen "$whole/ochoa-1.jpg"
ok "identify" fa 0 identify "$whole/ochoa-2.jpg"
ok "  names her" prints ellen
ok "identify nobody" fa 1 identify "$whole/collins.jpg"

# ---- pictures that are none of a face
{ printf 'P6 320 240 255\n' && head -c 230400 /dev/zero | tr '\0' '\144'; } >"$work/gray.ppm"
{ printf 'P6 320 240 255\n' && head -c 230400 "$VE_MODEL"; } >"$work/noise.ppm"
for picture in gray noise; do
    ok "$picture: no face" fa 1 login sally "$work/$picture.ppm"
    ok "  is told" prints "no face"
done

summary
