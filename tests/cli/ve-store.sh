#!/bin/bash
# SPDX-License-Identifier: MIT
# ve-store.sh BUILD: what ve-store promises on its command line.
build=${1:?usage: ve-store.sh BUILD}
. "$(dirname "$0")/check.bash"

store=$work/people.ves
install -m 600 "$source_tree/tests/fixtures/store/v1.ves" "$store"

ok "--help exits with 0" gives 0 ve-store --help
ok "--help prints on standard output" prints "usage: ve-store"
ok "--version exits with 0" gives 0 ve-store --version
ok "no command is a mistake" gives 2 ve-store
ok "an unknown command is a mistake" gives 2 ve-store polish "$store"
ok "an unknown option is a mistake" gives 2 ve-store info --polish "$store"
ok "a missing file is trouble" gives 2 ve-store info "$work/none.ves"
ok "it says which one, once" complains "ve-store: cannot open $work/none.ves: No such file"

ok "info" gives 0 ve-store info "$store"
ok "info names the model" prints "model name   fixture"
ok "info --json" gives 0 ve-store info --json "$store"
dim=$(grep -o '"dim":[0-9]*' "$out" | cut -d: -f2)
count=$(grep -o '"vectors":[0-9]*' "$out" | cut -d: -f2)
ok "check finds it sound" gives 0 ve-store check "$store"
ok "check counts the same" prints "$count good vectors"
ok "list" gives 0 ve-store list "$store"
ok "list has as many lines" [ "$(wc -l <"$out")" -eq "$count" ]
id=$(head -n 1 "$out" | cut -f1)

for format in npy fvecs jsonl pgcopy; do
    ok "export $format" gives 0 ve-store export "$store" "$work/all.$format"
    ok "export $format does not overwrite" gives 2 ve-store export "$store" "$work/all.$format"
done
ok "an unknown format is a mistake" gives 2 ve-store export "$store" "$work/all.xyz"
ok "remove an id" gives 0 ve-store remove "$store" --id "$id"
ok "it is gone" gives 1 ve-store remove "$store" --id "$id"
ok "remove needs to know what" gives 2 ve-store remove "$store"
ok "import jsonl" gives 0 ve-store import "$store" "$work/all.jsonl"
ok "import says how many" prints "$count vectors added"
ok "import does not read pgcopy" gives 2 ve-store import "$store" "$work/all.pgcopy"
ok "and says what to do instead" complains "export and import jsonl"
ok "export npy says what it leaves out" gives 0 ve-store export "$store" "$work/again.npy"
ok "namely the metadata" complains "npy has no place for metadata: that of "
ok "import needs a store" gives 2 ve-store import "$work/new.ves" "$work/all.jsonl"
ok "or --create" complains "--create --dim"
ok "--create needs --dim" gives 2 ve-store import "$work/new.ves" "$work/all.jsonl" --create
ok "--dim is for import" gives 2 ve-store info "$store" --create --dim "$dim"
ok "a missing file makes no store" gives 2 ve-store import "$work/new.ves" "$work/none.npy" --create --dim "$dim"
ok "really none" [ ! -e "$work/new.ves" ]
model=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ok "import makes a store" gives 0 ve-store import "$work/new.ves" "$work/again.npy" --create --dim "$dim" --model $model
ok "without metadata, and says so" complains "there is none"
ok "of that model" gives 0 ve-store info "$work/new.ves"
ok "which info shows" prints $model
ok "another model's vectors do not mix" gives 2 ve-store import "$work/new.ves" "$work/again.npy" --create --dim "$dim" --model ${model//0/1}
rm "$work/again.npy.labels"
ok "import without labels" gives 0 ve-store import "$work/new.ves" "$work/again.npy"
ok "says that they are missing" complains "there is no $work/again.npy.labels"
ok "bench" gives 0 ve-store bench "$store" -k 3

ok "key" gives 0 ve-store key "$work/a.key"
ok "compact seals" gives 0 ve-store compact "$store" --new-key-file "$work/a.key"
ok "a sealed store needs its key" gives 2 ve-store info "$store"
ok "and says so" complains VE_ERR_KEY
ok "with its key it opens" gives 0 ve-store info "$store" --key-file "$work/a.key"
ok "no label can be read in the file" eval '! grep -q person- "$store"'
echo "a pass phrase" >"$work/phrase"
chmod 644 "$work/phrase" "$work/a.key"
ok "a pass phrase that others may read is refused" gives 2 ve-store compact "$store" --key-file "$work/a.key" --new-passphrase-file "$work/phrase"
ok "and so is a key file that others may read is refused" complains "a.key: no key: others may read"
chmod 600 "$work/phrase" "$work/a.key"
chmod 640 "$work/phrase"
ok "also if only the group may" gives 2 ve-store compact "$store" --key-file "$work/a.key" --new-passphrase-file "$work/phrase"
ok "and says so" complains "phrase: no pass phrase: other users"
chmod 600 "$work/phrase"
ok "compact changes to a pass phrase" gives 0 ve-store compact "$store" --key-file "$work/a.key" --new-passphrase-file "$work/phrase"
ok "compact unseals" gives 0 ve-store compact "$store" --passphrase-file "$work/phrase" --unseal
ok "labels can be read again" grep -q person- "$store"

printf 'X' | dd of="$store" bs=1 seek=4200 conv=notrunc 2>/dev/null
ok "check finds damage" gives 1 ve-store check "$store"
ok "and its offset" prints "offset 4096"
ok "a damaged store does not open" gives 2 ve-store info "$store"
ok "recover saves the rest" gives 0 ve-store recover "$store" "$work/saved.ves"
ok "what it saved is sound" gives 0 ve-store check "$work/saved.ves"
chmod 644 "$work/saved.ves"
ok "a file that others may read is refused" gives 2 ve-store info "$work/saved.ves"
ok "by name" complains VE_ERR_ACCESS
summary
