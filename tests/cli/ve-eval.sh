#!/bin/bash
# SPDX-License-Identifier: MIT
# ve-eval.sh BUILD: what ve-eval promises; its figures against a plain computation (eval_plain.py).
build=${1:?usage: ve-eval.sh BUILD}
. "$(dirname "$0")/check.bash"
plain=$source_tree/tests/cli/eval_plain.py
portraits=$source_tree/examples/portraits
export VE_MODEL=$source_tree/weights/face-atto.vew
value() { python3 -c 'import json, sys; print(eval("j" + sys.argv[2], {"j": json.load(open(sys.argv[1]))}))' "$@"; }
is_svg() { head -1 "$1" | grep -q '^<svg' && tail -1 "$1" | grep -q '</svg>' && ! grep -qi 'nan\|inf,' "$1"; }

# ---- help and mistakes
ok "--help exits with 0" gives 0 ve-eval --help
ok "  on standard output" prints "Usage: ve-eval pairs"
ok "--version" gives 0 ve-eval --version
mistake() { # WHAT IT MUST SAY, ARGUMENT...
    local say=$1
    shift
    ok "refused: ve-eval $*" gives 2 ve-eval "$@"
    ok "  and says why" complains "$say"
    ok "  and prints nothing" prints_nothing
}
mistake "want pairs, identities or calibrate"
mistake "there are pairs" lfw
mistake "--images is missing" identities
mistake "--pairs is missing" pairs --images "$work"
mistake "what is that" identities surplus --images "$work"
mistake "--condition foggy" identities --images "$work" --condition foggy
mistake "1 to" identities --images "$work" -t 0
mistake "for \`ve-eval calibrate\`" identities --images "$work" --write x.vew
mistake "no --flip" calibrate --images "$work" --flip
mistake "No such file" identities --images "$work/absent"
mistake "no such folder" pairs --images "$work/absent" --pairs "$plain"
mkdir "$work/nobody" "$work/nobody/empty"
mistake "no picture in it" identities --images "$work/nobody"

# ---- figures: random embeddings, computed again the plainest way
for seed in 1 2 3; do
    mkdir "$work/r$seed" && python3 "$plain" make "$work/r$seed" $seed $((12 + 8 * seed))
    ok "identities, random set $seed" gives 0 ve-eval identities --images "$work/r$seed/set" \
        --load-embeddings "$work/r$seed/set.npy" --json "$work/r$seed/report.json" -t $seed --draws 20
    ok "  is what a plain computation gives" python3 "$plain" check "$work/r$seed" "$work/r$seed/report.json"
    ok "pairs, random set $seed" gives 0 ve-eval pairs --images "$work/r$seed/set" --pairs "$work/r$seed/pairs.txt" \
        --load-embeddings "$work/r$seed/pairs/set.npy" --json "$work/r$seed/report.json" --draws 20
    ok "  is what a plain computation gives" python3 "$plain" check "$work/r$seed" "$work/r$seed/report.json"
done
ok "some of these sets have failures" grep -q "no face in it" "$work"/r?/set.npy.list
load=(identities --load-embeddings "$work/r2/set.npy")
run ve-eval "${load[@]}" -t 1 --json -
cp "$out" "$work/one"
ok "without --images the people come from the list" test "$(value "$work/one" "['people']")" -eq 28
run ve-eval "${load[@]}" -t 3 --json -
ok "the report does not depend on threads" cmp -s "$out" "$work/one"
ok "rates beyond the set are not measured" grep -q '"far": 1e-05, "measurable": false' "$work/one"
ok "and said so" gives 0 ve-eval "${load[@]}"
ok "  in words" prints "not measurable with"
ok "  with failures named" prints ": no face in it"
ok "the interval holds the figure" python3 - "$work/one" <<'EOF'
import json, sys
p = json.load(open(sys.argv[1]))["points"][0]
assert p["tar_interval"][0] <= p["tar"] <= p["tar_interval"][1] and p["tar_interval"][0] < p["tar_interval"][1], p
EOF
ok "plots" gives 0 ve-eval "${load[@]}" --roc "$work/roc.svg" --histogram "$work/h.svg" --name 'a <b> & c'
ok "  the curve is SVG" is_svg "$work/roc.svg"
ok "  the histogram is SVG" is_svg "$work/h.svg"
ok "  names are escaped" grep -qF 'a &lt;b> &amp; c' "$work/roc.svg"
ok "no draws, no intervals" gives 0 ve-eval "${load[@]}" --draws 0 --json "$work/none.json"
ok "  says so" prints "not drawn"
ok "  in the JSON" test "$(value "$work/none.json" "['points'][0]['tar_interval']")" = "[None, None]"

# ---- embeddings that do not fit
bad_list() { # WHAT IT MUST SAY, sed SCRIPT
    cp "$work/r1/set.npy" "$work/bad.npy"
    sed "$2" "$work/r1/set.npy.list" >"$work/bad.npy.list"
    ok "a list that does not fit ($1)" gives 2 ve-eval identities --images "$work/r1/set" --load-embeddings "$work/bad.npy"
    ok "  is said" complains "$1"
}
bad_list "more rows than pictures" '2s/$/\tfailed/'
bad_list "names other pictures" '2d'
bad_list "names more pictures" '$p'
bad_list "first line" 1d
head -c 4000 "$work/r1/set.npy" >"$work/bad.npy" && cp "$work/r1/set.npy.list" "$work/bad.npy.list"
ok "an array that was cut off" gives 2 ve-eval identities --load-embeddings "$work/bad.npy"
ok "  is said" complains "fewer rows"
ok "no list" gives 2 ve-eval identities --load-embeddings "$plain"

# ---- real pictures
people=$work/people
mkdir -p "$people"/{ride,ochoa,collins,nobody}
cp "$portraits/ride-1.jpg" "$people/ride/ride_0001.jpg" && cp "$portraits/ride-2.jpg" "$people/ride/ride_0002.jpg"
cp "$portraits/ochoa-1.jpg" "$people/ochoa/ochoa_0001.jpg" && cp "$portraits/ochoa-2.jpg" "$people/ochoa/ochoa_0002.jpg"
cp "$portraits/collins.jpg" "$people/collins/collins_0001.jpg"
echo "of no interest" >"$people/ride/notes.txt"
ok "a small set" gives 0 ve-eval identities --images "$people/" -t 2 --json "$work/small.json" --save-embeddings "$work/small.npy"
cp "$out" "$work/small.txt"
ok "  five pictures" test "$(value "$work/small.json" "['pictures']")" -eq 5
ok "  two comparisons of the same person" test "$(value "$work/small.json" "['comparisons']['same']")" -eq 2
ok "  eight of strangers" test "$(value "$work/small.json" "['comparisons']['strangers']")" -eq 8
ok "  who are told apart" test "$(value "$work/small.json" "['eer']")" = 0
ok "  the empty folder is counted" test "$(value "$work/small.json" "['empty_folders']")" -eq 1
ok "  the set has its folder's name" test "$(value "$work/small.json" "['set']")" = people
run ve-eval identities --images "$people/" --load-embeddings "$work/small.npy" --json "$work/again.json"
ok "saved embeddings give the same report" cmp -s "$work/small.json" "$work/again.json"
ok "one thread as well" gives 0 ve-eval identities --images "$people" -t 1 --json "$work/again.json"
ok "  to the byte" cmp -s "$work/small.json" "$work/again.json"
first=$(program ve-embed "$people/ride/ride_0001.jpg" 2>/dev/null)
ok "embeddings are ve-embed's" python3 - "$work/small.npy" "$first" <<'EOF'
import struct, sys
data = open(sys.argv[1], "rb").read()
start = 10 + struct.unpack("<H", data[8:10])[0] + 3 * 512 * 4 # collins, ochoa, ochoa
assert data[start:start + 2048] == struct.pack("<512f", *map(float, sys.argv[2].split()))
EOF
for condition in dark bright noise gray blur32 covered; do
    ok "--condition $condition" gives 0 ve-eval identities --images "$people" --condition $condition --json "$work/c.json"
    ok "  is another picture" test "$(value "$work/c.json" "['least_similar_same']")" != "$(value "$work/small.json" "['least_similar_same']")"
    ok "  and named" test "$(value "$work/c.json" "['condition']")" = $condition
done
ok "--flip" gives 0 ve-eval identities --images "$people" --flip --json "$work/c.json"
ok "  is named" test "$(value "$work/c.json" "['condition']")" = none,flip

# ---- pictures that fail, duplicates, one person
cp -r "$people" "$work/broken"
echo "no picture" >"$work/broken/ochoa/ochoa_0003.jpg"
head -c 3000 "$portraits/ride-1.jpg" >"$work/broken/ride/ride_0003.jpg"
cp "$portraits/collins.jpg" "$work/broken/collins/again.jpg"
cp "$portraits/ride-1.jpg" "$work/broken/ochoa/wrong.jpg"
ok "pictures that cannot be read" gives 0 ve-eval identities --images "$work/broken" --json "$work/b.json"
ok "  are counted" test "$(value "$work/b.json" "['failure_to_enrol']['count']")" -eq 2
ok "  and named" prints "ochoa/ochoa_0003.jpg: "
ok "  a picture twice is noticed" prints "are of one picture twice"
ok "  a picture under two names, too" prints "under two names"
ok "  with both names" prints "ochoa/wrong.jpg and ride/ride_0001.jpg"
mkdir "$work/alone" && cp -r "$people/ride" "$work/alone"
mistake "all pictures are of one person (ride)" identities --images "$work/alone"
mkdir -p "$work/none/a" "$work/none/b" && echo x >"$work/none/a/1.png" && echo x >"$work/none/b/1.png"
mistake "nothing to compare: 2 of 2 pictures could not be embedded, the first, a/1.png: " identities --images "$work/none"

# ---- whole pictures: a detector with random weights finds nothing, or nonsense
detector=$source_tree/tests/fixtures/detector/detector.vew
mistake "go with --raw" identities --images "$people" --detector "$detector"
mistake "absent.vew" identities --images "$people" --raw --detector "$work/absent.vew"
mistake "a face detector has" identities --images "$people" --raw --detector "$VE_MODEL"
mistake "no face" identities --images "$people" --raw --detector "$detector"

# ---- lists of pairs
list() { printf '%b' "$1" >"$work/list.txt"; }
refused_list() { # WHAT IT MUST SAY, LIST
    list "$2"
    ok "a bad list ($1)" gives 2 ve-eval pairs --images "$people" --pairs "$work/list.txt"
    ok "  is said" complains "$1"
}
refused_list "empty" ""
refused_list "number of folds" "ten\t3\n"
refused_list "number of folds" "2\t0\n"
refused_list "too many pairs" "1000\t49000000\n"
refused_list "ends after 1 of 2" "1\t1\nride\t1\t2\n"
refused_list "line 2: want a pair of one person" "1\t1\nride\t1\tochoa\t2\n"
refused_list "line 3: want a pair of two people" "1\t1\nride\t1\t2\nochoa\t1\t2\n"
refused_list "line 2: the number" "1\t1\nride\t1\tx\n"
refused_list "paired with itself" "1\t1\nride\t1\t1\n"
refused_list "names one person twice" "1\t1\nride\t1\t2\nride\t1\tride\t2\n"
refused_list "more pairs than" "1\t1\nride\t1\t2\nride\t1\tochoa\t2\nride\t1\tochoa\t1\n"
refused_list "no folder's name" "1\t1\n../ride\t1\t2\n"
refused_list "no picture" "1\t1\nride\t1\t7\nride\t1\tochoa\t2\n"
list "2\t1\r\nride\t1\t2\r\nride 1 ochoa 2\n\nochoa\t1\t2\ncollins\t1\tochoa\t1\n"
ok "a list with other line ends and spaces" gives 0 ve-eval pairs --images "$people" --pairs "$work/list.txt"
ok "  all pairs are right" prints "accuracy     100.00 %"
list "1\t1\nride\t1\t2\nride\t1\tochoa\t2\n"
ok "a list of one fold" gives 0 ve-eval pairs --images "$people" --pairs "$work/list.txt" --json "$work/p.json"
ok "  has no accuracy" test "$(value "$work/p.json" "['accuracy']")" = None
list "2\t1\nride\t1\t2\nride\t1\tochoa\t2\nochoa\t1\t2\ncollins\t1\tochoa\t7\n"
ok "--allow-missing" gives 0 ve-eval pairs --images "$people" --pairs "$work/list.txt" --allow-missing --json "$work/p.json"
ok "  counts the picture as not enrolled" test "$(value "$work/p.json" "['failure_to_enrol']['count']")" -eq 1
ok "  and its pair as wrong in the strict figure" test "$(value "$work/p.json" "['accuracy']['lost_as_wrong']")" = 0.5

# ---- calibrate
mistake "no table to write" calibrate --images "$people" --write "$work/new.vew"
ok "  and writes nothing" test ! -e "$work/new.vew"
fingerprint=$(program ve-embed --format json "$people/ride/ride_0001.jpg" | sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/')
mkdir "$work/many" && python3 "$plain" make "$work/many" 9 120 "$fingerprint"
ok "calibrate --write" gives 0 ve-eval calibrate --load-embeddings "$work/many/set.npy" --name others \
    --write "$work/new.vew" --json "$work/table.json"
ok "  the new file is a model" gives 0 ve-export --info "$work/new.vew"
ok "  the same one" prints "$fingerprint"
ok "  with the table" python3 - "$out" "$work/table.json" <<'EOF'
import json, sys
info, table = open(sys.argv[1]).read(), json.load(open(sys.argv[2]))
rows = table["thresholds"]
assert [r[0] for r in rows] == [0.01, 0.001], rows
for rate, similarity in rows:
    assert "%g accepts %g of strangers" % (similarity, rate) in info, (rate, similarity, info)
assert info.count(" of strangers") == len(rows), info
measured = table["thresholds_measured"]
assert len(measured) == 4 and not measured[3]["measurable"]
assert all(m["threshold"] <= s < m["threshold"] + 1.1e-4 for m, (_, s) in zip(measured, rows))
assert table["thresholds_from"].startswith("others: ") and "120 people" in table["thresholds_from"]
EOF
ok "  what it was measured on" grep -aq "thresholds_from.*others: " "$work/new.vew"
run ve-embed -m "$work/new.vew" "$people/ride/ride_0001.jpg"
ok "  embeds as before" test "$(cat "$out")" = "$first"
ok "again, over itself" gives 0 ve-eval calibrate -m "$work/new.vew" --load-embeddings "$work/many/set.npy" --name others --write "$work/new2.vew"
ok "  gives the same file" cmp -s "$work/new.vew" "$work/new2.vew"
ok "the table is a configuration for ve-export" gives 0 ve-export "$source_tree/tests/fixtures/timm_v1/model.safetensors" \
    --config "$work/table.json" -o "$work/configured.vew"
python3 "$plain" make "$work/many" 9 120 "$(printf '%064d' 7)"
ok "embeddings of another model" gives 2 ve-eval calibrate --load-embeddings "$work/many/set.npy" --write "$work/other.vew"
ok "  are refused" complains "not the model that made the embeddings"
ok "  and nothing is written" test ! -e "$work/other.vew"

# ---- writing
ok "a folder that is not there" gives 2 ve-eval identities --images "$people" --json "$work/absent/x.json"
program ve-eval "${load[@]}" >/dev/full 2>"$err"
ok "a full disk is noticed" test $? -eq 2
ok "no such model" gives 2 ve-eval identities --images "$people" -m "$work/absent.vew"
ok "  is named" complains absent.vew

summary
