#!/bin/bash
# SPDX-License-Identifier: MIT
# ve-embed.sh BUILD: what ve-embed promises on its command line.
build=${1:?usage: ve-embed.sh BUILD}
. "$(dirname "$0")/check.bash"

model=$source_tree/weights/face-atto.vew
pictures=$source_tree/examples/portraits
first=$pictures/ride-1.jpg second=$pictures/ochoa-1.jpg
dim=512
export VE_MODEL=$model

# Squared length of each line's values; cosine of the first two lines.
lengths() { awk '{s = 0; for (i = 1; i <= NF; i++) s += $i * $i; printf "%.6f\n", s}' "$1"; }
cosine() {
    awk '{for (i = 1; i <= NF; i++) v[NR, i] = $i; n = NF}
        END {for (i = 1; i <= n; i++) {ab += v[1, i] * v[2, i]; a += v[1, i] ^ 2; b += v[2, i] ^ 2}
             printf "%.7f\n", ab / sqrt(a * b)}' "$@"
}
above() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a + 0 >= b + 0)}'; }
below() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a + 0 < b + 0)}'; }
shape_is() { [ "$(wc -l <"$out")" -eq "$1" ] && awk -v n="$2" 'NF != n {exit 1}' "$out"; }

# ---- help and mistakes
ok "--help exits with 0" gives 0 ve-embed --help
ok "--help prints on standard output" prints "Usage: ve-embed"
ok "--help names the default model's places" prints VE_MODEL
ok "--help leaves standard error alone" says_nothing
ok "--version exits with 0" gives 0 ve-embed --version
version=$(sed -n 's/^#define VE_VERSION_[A-Z]* //p' "$source_tree/include/visembed.h" | paste -sd.)
ok "--version prints $version" prints "ve-embed $version"
mistake() { # WHAT IT MUST SAY, ARGUMENT...
    local say=$1
    shift
    ok "refused: ve-embed $*" gives 2 ve-embed "$@"
    ok "  and says why" complains "$say"
    ok "  and prints nothing" prints_nothing
}
mistake "no picture"
mistake "unrecognized option" --nonsense
mistake "text, json and npy" --format xml "$first"
mistake "1 to" --threads 0 "$first"
mistake "1 to" --threads -1 "$first"
mistake "1 to" --threads 2x "$first"
mistake "WIDTHxHEIGHT" --size 112x "$first"
mistake "WIDTHxHEIGHT" --size 0x112 "$first"
mistake "requires an argument" "$first" --model

# ---- text
ok "two pictures are embedded" gives 0 ve-embed "$first" "$second"
ok "  one line each, $dim values" shape_is 2 $dim
ok "  of unit length" test "$(lengths "$out" | sort -u)" = "1.000000"
ok "  nothing on standard error" says_nothing
ok "  two people differ" below "$(cosine "$out")" 0.3
cp "$out" "$work/two"
ok "the other way round" gives 0 ve-embed "$second" "$first"
ok "  the lines follow the command line" cmp -s <(tac "$out") "$work/two"
run ve-embed --threads 3 "$first" "$second"
ok "three threads give the same bits" cmp -s "$out" "$work/two"
ok "--no-normalize" gives 0 ve-embed --no-normalize "$first"
ok "  is not of unit length" test "$(lengths "$out")" != "1.000000"
ok "  but has the same direction" above "$(head -1 "$work/two" | cosine "$out" -)" 0.999999
ok "another input size" gives 0 ve-embed --size 128x96 "$first"
ok "  is another embedding" test "$(cat "$out")" != "$(head -1 "$work/two")"
ok "  of the same face" above "$(head -1 "$work/two" | cosine "$out" -)" "$(threshold "$model" 1e-4)"
ok "one number is a square" gives 0 ve-embed --size 112 "$first"
ok "  and the model's own size changes nothing" cmp -s "$out" <(head -1 "$work/two")
program embed "$model" "$first" >"$out" 2>"$err"
ok "examples/embed.c prints the same" cmp -s "$out" <(head -1 "$work/two")

# ---- standard input
program ve-embed - <"$first" >"$out" 2>"$err"
ok "a picture from standard input" cmp -s "$out" <(head -1 "$work/two")
ok "nothing on standard input" gives 2 ve-embed -
ok "  is said" complains "standard input: empty"
ok "-- ends the options" gives 0 ve-embed -- "$first"

# ---- pictures that fail
head -c 5000 "$first" >"$work/cut.jpg"
echo "no picture" >"$work/text.jpg"
ok "bad pictures among good ones" gives 2 ve-embed "$first" "$work/text.jpg" "$work/absent.jpg" "$second"
ok "  the good ones are embedded" cmp -s "$out" "$work/two"
ok "  the bad one is named" complains text.jpg
ok "  the missing one is named" complains absent.jpg
ok "a JPEG that was cut off" gives 2 ve-embed "$work/cut.jpg"
ok "  is named" complains cut.jpg
ok "a folder" gives 2 ve-embed "$work"

# ---- the model
ok "no such model" gives 2 ve-embed -m "$work/absent.vew" "$first"
ok "  is named" complains absent.vew
ok "a file that is no model" gives 2 ve-embed -m "$first" "$first"
VE_MODEL=$work/absent.vew run ve-embed -m "$model" "$first"
ok "-m goes before VE_MODEL" test "$status" -eq 0
VE_MODEL=$work/absent.vew run ve-embed "$first"
ok "VE_MODEL goes before the other places" test "$status" -eq 2
(unset VE_MODEL && run ve-embed "$first" && [ "$status" -eq 0 ] && cmp -s "$out" <(head -1 "$work/two"))
ok "without either the tree's own weights are found" test $? -eq 0

# ---- JSON
fingerprint=$(program ve-embed --format json "$first" | sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/')
ok "the fingerprint has 64 digits" test ${#fingerprint} -eq 64
# as_json PATH LINE: what ve-embed should print for a line of values.
as_json() { printf '{"path":"%s","dim":%d,"fingerprint":"%s","embedding":[%s]}\n' "$1" $dim "$fingerprint" "${2// /,}"; }
ok "--format json" gives 0 ve-embed --format json "$first" "$second"
{ as_json "$first" "$(head -1 "$work/two")" && as_json "$second" "$(tail -1 "$work/two")"; } >"$work/json"
ok "  is what text says, with path, dim and fingerprint" cmp -s "$out" "$work/json"
odd=$work/$'a "quoted" \\ \n\xff name.jpg'
cp "$first" "$odd"
ok "a file name with odd bytes" gives 0 ve-embed --format json "$odd"
as_json "$work/"'a \"quoted\" \\ \u000a\ufffd name.jpg' "$(head -1 "$work/two")" >"$work/json"
ok "  is escaped" cmp -s "$out" "$work/json"

# ---- npy
cat >"$work/npy.py" <<'EOF'
import struct, sys
data = open(sys.argv[1], "rb").read()
text = [[float(v) for v in x.split()] for x in open(sys.argv[2])]
assert data[:8] == b"\x93NUMPY\x01\x00"
start = 10 + struct.unpack("<H", data[8:10])[0]
header = eval(data[10:start])
assert start % 64 == 0 and data[start - 1:start] == b"\n"
assert header == {"descr": "<f4", "fortran_order": False, "shape": (len(text), 512)}, header
flat = [v for x in text for v in x]
assert data[start:] == struct.pack("<%df" % len(flat), *flat)
EOF
ok "--format npy" gives 0 ve-embed --format npy "$first" "$second"
ok "  holds the same values" python3 "$work/npy.py" "$out" "$work/two"
ok "--output with a bad picture" gives 2 ve-embed --format npy -o "$work/rows.npy" "$first" "$work/text.jpg" "$second"
ok "  counts the good ones" python3 "$work/npy.py" "$work/rows.npy" "$work/two"
ok "  and leaves standard output alone" prints_nothing
cp "$first" "$work/kept.jpg" && ln -sf kept.jpg "$work/also.jpg"
ok "--output over a picture that is to be read" gives 2 ve-embed -o "$work/also.jpg" "$second" "$work/kept.jpg"
ok "  is said" complains "which is to be read"
ok "  and the picture is still there" cmp -s "$first" "$work/kept.jpg"
cp "$first" "$work/e" # a name that stands in many messages
(cd "$work" && gives 2 ve-embed --size 3x3 e)
ok "  names the picture, however short its name" complains "ve-embed: e: "
ok "--output FILE" gives 0 ve-embed -o "$work/lines" "$first" "$second"
ok "  has the lines" cmp -s "$work/lines" "$work/two"

# ---- tensors: a PNM picture of the model's own size, by hand and by ve-embed
cat >"$work/tensor.py" <<'EOF'
import struct, sys
folder = sys.argv[1]
w = h = 112
pixel = lambda x, y, c: (x * (c + 1) + 2 * y + x * y // 8) % 256
pixels = bytes(pixel(x, y, c) for y in range(h) for x in range(w) for c in range(3))
open(folder + "/grid.ppm", "wb").write(b"P6 %d %d 255\n" % (w, h) + pixels)
def save(name, values, shape, kind="<f4", order="False", version=1):
    header = ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (kind, order, shape)).ljust(117) + "\n"
    head = b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", 118) + header.encode()
    open("%s/%s.npy" % (folder, name), "wb").write(head + struct.pack("<%df" % len(values), *values))
grid = [(pixel(x, y, c) / 255 - 0.5) / 0.5 for c in range(3) for y in range(h) for x in range(w)]
save("grid", grid, (1, 3, h, w))
save("grid3", grid, (3, h, w))
save("wide", [0.25] * (3 * 64 * 96), (1, 3, 64, 96))
save("short", grid[:-1], (1, 3, h, w))
save("long", grid + [0.0], (1, 3, h, w))
save("two", grid, (2, 3, h // 2, w))
save("gray", grid, (1, 1, 3 * h, w))
save("double", grid, (1, 3, h, w), kind="<f8")
save("fortran", grid, (1, 3, h, w), order="True")
save("newer", grid, (1, 3, h, w), version=2)
save("nan", [float("nan")] + grid[1:], (1, 3, h, w))
save("huge", [], (1, 3, 99999999, 99999999))
save("empty", [], (1, 3, 0, 0))
EOF
python3 "$work/tensor.py" "$work"
ok "a picture and its tensor" gives 0 ve-embed "$work/grid.ppm" --tensor "$work/grid.npy" --tensor "$work/grid3.npy"
ok "  three lines" shape_is 3 $dim
ok "  that agree" above "$(cosine "$out")" 0.999999
ok "  whether or not the tensor has the leading 1" cmp -s <(sed -n 2p "$out") <(sed -n 3p "$out")
ok "a tensor of another size brings its own" gives 0 ve-embed --tensor "$work/wide.npy" "$first"
ok "  and the picture after it the model's" cmp -s <(tail -1 "$out") <(head -1 "$work/two")
ok "a tensor that --size contradicts" gives 2 ve-embed --size 112 --tensor "$work/wide.npy"
ok "  is named" complains wide.npy
for bad in short long two gray double fortran newer nan huge empty absent; do
    ok "a bad tensor ($bad)" gives 2 ve-embed --tensor "$work/$bad.npy"
    ok "  is named" complains "$bad.npy"
done
ok "a picture in place of a tensor" gives 2 ve-embed --tensor "$first"
ok "  is said" complains "not a .npy file"

# ---- writing
program ve-embed "$first" >/dev/full 2>"$err"
ok "a full disk is noticed (text)" test $? -eq 2
ok "  and said" complains "No space left"
program ve-embed --format npy "$first" >/dev/full 2>"$err"
ok "a full disk is noticed (npy)" test $? -eq 2
program ve-embed --help >/dev/full 2>"$err"
ok "a full disk is noticed (help)" test $? -eq 2
ok "a folder that is not there" gives 2 ve-embed -o "$work/absent/lines" "$first"
ok "  is said" complains absent/lines
program ve-embed "$first" >&- 2>"$err"
ok "closed standard output is noticed" test $? -eq 2
program ve-embed "$first" >"$out" 2>&- <&-
ok "closed standard input and error do no harm" cmp -s "$out" <(head -1 "$work/two")

summary
