// SPDX-License-Identifier: MIT
// usearch's exact search as a worker of bench-store: `load VECTORS QUERIES DIM`, `search QUERIES K`.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import usearch from 'usearch';

let vectors, queries, dim;
const floats = (name) => {
    const bytes = readFileSync(name);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
};

for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...words] = line.split(' ');
    if (command === 'load') {
        vectors = floats(words[0]);
        queries = floats(words[1]);
        dim = Number(words[2]);
        console.log('0');
    } else {
        const start = process.hrtime.bigint();
        const found = usearch.exactSearch(vectors, queries.slice(0, Number(words[0]) * dim), dim, Number(words[1]), 'ip', 1);
        const seconds = Number(process.hrtime.bigint() - start) / 1e9;
        const keys = (Array.isArray(found) ? found[0] : found).keys;
        console.log([seconds, ...Array.from(keys).slice(0, Number(words[1])).map((key) => Number(key) + 1)].join(' '));
    }
}
