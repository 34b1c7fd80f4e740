#!/bin/bash
# SPDX-License-Identifier: MIT
# postgres.sh BUILD: an export goes into PostgreSQL with pgvector, and the same queries find the same vectors there.
# With Debian's pgvector (from Debian 13 on) a server is started on a private socket, and stopped. Where pgvector is not to
# be had, PGlite from npm stands in, the same PostgreSQL and pgvector, compiled to WebAssembly; and a real server without
# pgvector, where one is installed, loads the same export into real[] columns and ranks it by a distance in plain SQL.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:?usage: postgres.sh BUILD}")
work=$(mktemp -d)
server=""
finish() {
    [ -z "$server" ] || as_server "$server/pg_ctl" -D "$work/data" -m fast stop >/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

gcc -std=c99 -D_POSIX_C_SOURCE=200809L -O2 -I"$root/include" -o "$work/truth" "$root/tests/store/make_truth.c" \
    "$build/libvisembed.a" -lm -pthread
"$work/truth" "$work/people.ves" "$work/truth.sql" >"$work/expected.txt"
"$build/bin/ve-store" export "$work/people.ves" "$work/people.pgcopy"
dim=$("$build/bin/ve-store" info "$work/people.ves" --json | grep -o '"dim":[0-9]*' | cut -d: -f2)
create="CREATE EXTENSION vector; CREATE TABLE people (id bigint PRIMARY KEY, label text, metadata bytea, embedding vector($dim));"

# The server refuses to run as root.
as_server() { if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi; }

# with_server CREATE QUERIES [AFTER]: what is made before the copy, what is asked, what is done in between.
with_server() {
    chmod 711 "$work"
    mkdir -m 700 "$work/data" "$work/socket"
    [ "$(id -u)" != 0 ] || chown nobody "$work/data" "$work/socket"
    as_server "$server/initdb" -D "$work/data" -A trust -U test >/dev/null
    as_server "$server/pg_ctl" -D "$work/data" -w -l "$work/socket/log" \
        -o "-c listen_addresses='' -c unix_socket_directories=$work/socket" start >/dev/null
    local psql=("$server/psql" -h "$work/socket" -U test -d postgres -qAt -v ON_ERROR_STOP=1)
    "${psql[@]}" -c "$1"
    "${psql[@]}" -c "\\copy people from '$work/people.pgcopy'"
    [ -z "${3:-}" ] || "${psql[@]}" -c "$3"
    "${psql[@]}" -f "$2" >"$work/found.txt"
}

with_plain_server() {
    local before after
    before="CREATE TABLE people (id bigint PRIMARY KEY, label text, metadata bytea, embedding text);
        CREATE FUNCTION distance(a real[], b real[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS
        'SELECT 1 - sum(x::float8 * y) / sqrt(sum(x::float8 * x) * sum(y::float8 * y)) FROM unnest(a, b) AS t(x, y)';"
    after="ALTER TABLE people ALTER embedding TYPE real[] USING translate(embedding, '[]', '{}')::real[];"
    sed "s/embedding <=> '\[\([^]]*\)\]'/distance(embedding, '{\1}')/" "$work/truth.sql" >"$work/plain.sql"
    with_server "$before" "$work/plain.sql" "$after"
}

with_pglite() {
    local modules=$root/build/pglite
    command -v npm >/dev/null || "$root/tools/install-packages" npm
    [ -d "$modules/node_modules/@electric-sql/pglite" ] ||
        npm install --silent --no-save --prefix "$modules" @electric-sql/pglite@0.3 >/dev/null
    cat >"$modules/load.mjs" <<'SCRIPT'
import { readFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite/vector';
const [create, copy, queries] = process.argv.slice(2);
const database = await PGlite.create({ extensions: { vector } });
await database.exec(create);
await database.query("COPY people FROM '/dev/blob'", [], { blob: new Blob([readFileSync(copy)]) });
for (const answer of await database.exec(readFileSync(queries, 'utf8')))
    for (const row of answer.rows) console.log(Object.values(row).join('|'));
await database.close();
SCRIPT
    node "$modules/load.mjs" "$create" "$work/people.pgcopy" "$work/truth.sql" >"$work/found.txt"
}

# Compares what was found with what the store had found; a difference ends the script.
compare() {
    cmp "$work/expected.txt" "$work/found.txt"
    echo "# $1: $(wc -l <"$work/found.txt") rows, all as in the store"
    passed=$((passed + 1))
    rm "$work/found.txt"
}

passed=0
plain=""
for folder in /usr/lib/postgresql/*/bin; do
    [ -x "$folder/initdb" ] || continue
    plain=$folder
    version=$(basename "$(dirname "$folder")")
    [ -e "/usr/share/postgresql/$version/extension/vector.control" ] && server=$folder
done
if [ -n "$server" ]; then
    with_server "$create" "$work/truth.sql"
    compare "$server with pgvector"
else
    with_pglite
    compare "PGlite with pgvector"
    if [ -n "$plain" ]; then
        server=$plain
        with_plain_server
        compare "$plain, real[] and plain SQL"
    else
        echo "# no PostgreSQL server is installed: only PGlite was asked"
    fi
fi
echo "$passed passed, 0 failed"
