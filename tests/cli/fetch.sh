#!/bin/bash
# SPDX-License-Identifier: MIT
# fetch.sh BUILD: tools/fetch-checkpoint against a server on the loopback interface: whole, cut off and resumed,
# changed behind our back, sharded, missing.
set -uo pipefail
build=${1:?usage: fetch.sh BUILD}
# shellcheck source=tests/cli/check.bash
. "$(dirname "$0")/check.bash"
if ! command -v python3 >/dev/null || ! command -v curl >/dev/null; then
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
fixtures=$source_tree/tests/fixtures
hub=$work/hub
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 VE_EXPORT=$build/bin/ve-export

# put OWNER/NAME FIXTURE: what the hub has.
put() {
    mkdir -p "$hub/$1/resolve/main"
    cp "$fixtures/$2"/*.safetensors "$fixtures/$2"/*.json "$hub/$1/resolve/main/"
}
put timm/whole timm_v1
put timm/cut timm_v1
put timm/shards timm_sharded
put timm/changing timm_v1
mkdir -p "$hub/timm/none/resolve/main"
echo '{}' >"$hub/timm/none/resolve/main/config.json"

python3 "$source_tree/tests/cli/range_server.py" "$hub" "$work/port" "$work/requests" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    [ -e "$work/port" ] && break
    sleep 0.1
done
VE_HUB=http://127.0.0.1:$(cat "$work/port") || exit 1
export VE_HUB

# fetches STATUS ARGUMENT...
fetches() {
    local wanted=$1
    shift
    : >"$work/requests"
    (cd "$work" && "$source_tree/tools/fetch-checkpoint" "$@") >"$out" 2>"$err" </dev/null
    status=$?
    [ "$status" -eq "$wanted" ] || { echo "#   exit status $status instead of $wanted"; return 1; }
}
requested() { grep -qF -- "$1" "$work/requests"; }
not_requested() { ! grep -qF -- "$1" "$work/requests"; }
same() { cmp -s "$1" "$2"; }
is_weights() { "$build/bin/ve-export" --info "$1" >"$work/info" 2>&1 && grep -q '^fingerprint' "$work/info"; }
sums_hold() { (cd "$1" && sha256sum --quiet -c SHA256SUMS) >/dev/null; }

ok "a checkpoint is fetched and exported" fetches 0 timm/whole
ok "the file is the hub's" same "$work/whole/model.safetensors" "$fixtures/timm_v1/model.safetensors"
ok "and so is its config" same "$work/whole/config.json" "$fixtures/timm_v1/config.json"
ok "the weight file is whole" is_weights "$work/whole/model.vew"
ok "the sums are recorded" sums_hold "$work/whole"
ok "the config was used" complains "from config.json"
ok "a missing file is said, not an error" complains "preprocessor_config.json: the hub has none"

ok "a second run" fetches 0 -q timm/whole
ok "fetches nothing again" not_requested "model.safetensors 200"
ok "quietly" says_nothing

echo 5000 >"$hub/cut"
ok "a download that breaks off fails" fetches 1 --no-export -o cut-here timm/cut
# curl itself may have resumed it; then there is nothing left to do by hand.
ok "and keeps what came" test -s "$work/cut-here/model.safetensors.part"
ok "the next run goes on" fetches 0 --no-export -o cut-here timm/cut
ok "from where it stopped" requested "model.safetensors 206 from 5000"
ok "to the same file" same "$work/cut-here/model.safetensors" "$fixtures/timm_v1/model.safetensors"
ok "leaving no part" test ! -e "$work/cut-here/model.safetensors.part"

mkdir "$work/plain" && head -c 3000 "$fixtures/timm_v1/model.safetensors" >"$work/plain/model.safetensors.part"
echo "$VE_HUB/timm/cut/resolve/main/model.safetensors" >"$work/plain/model.safetensors.from"
touch "$hub/no-ranges"
ok "a server without ranges" fetches 0 --no-export -o plain timm/cut
ok "sends the whole file again" same "$work/plain/model.safetensors" "$fixtures/timm_v1/model.safetensors"
rm "$hub/no-ranges"
mkdir -p "$work/folder/config.json"
ok "a folder in a file's place" fetches 1 --no-export -o folder timm/whole
ok "is said" complains "cannot read folder/config.json"
ok "and gets no sum" test ! -e "$work/folder/SHA256SUMS"

mkdir -p "$work/other" && head -c 3000 /dev/urandom >"$work/other/model.safetensors.part"
echo "$VE_HUB/timm/another/resolve/main/model.safetensors" >"$work/other/model.safetensors.from"
ok "a part of another address" fetches 0 --no-export -o other timm/whole
ok "is not gone on with" same "$work/other/model.safetensors" "$fixtures/timm_v1/model.safetensors"

ok "first fetch of a file that will change" fetches 0 --no-export timm/changing
printf x >>"$work/changing/model.safetensors"
ok "a file that was changed here is refused" fetches 3 timm/changing
ok "by name" complains "changing/model.safetensors has changed since it was fetched"
rm "$work/changing/model.safetensors"
printf x >>"$hub/timm/changing/resolve/main/model.safetensors"
ok "a file that changed on the hub is refused" fetches 3 timm/changing
ok "with both sums" complains "on the hub is not what it was"
ok "and is not put in place" test ! -e "$work/changing/model.safetensors"

ok "a sharded set" fetches 0 timm/shards -- --precision f16 -o "$work/shards.vew"
ok "has all its parts" test -e "$work/shards/model-00003-of-00003.safetensors"
ok "options after -- reach ve-export" is_weights "$work/shards.vew"
ok "the precision, too" grep -q '^precision *f16' "$work/info"
sed 's/model-00003/..\/model-00003/' -i "$work/shards/model.safetensors.index.json"
rm "$work/shards/SHA256SUMS"
ok "a shard that leads out of the folder is refused" fetches 1 timm/shards
ok "by name" complains "names a strange file"

ok "a hub without weights" fetches 1 timm/none
ok "is said" complains "neither model.safetensors nor"
ok "a checkpoint's name is checked" fetches 2 "../../etc"
ok "a revision, too" fetches 2 --revision ../x timm/whole
ok "an unknown option" fetches 2 --nonsense timm/whole
ok "help" fetches 0 --help
ok "goes to standard output" prints "usage: fetch-checkpoint"
kill $server
wait $server 2>/dev/null
ok "a hub that does not answer" fetches 1 -o nobody timm/whole
summary
