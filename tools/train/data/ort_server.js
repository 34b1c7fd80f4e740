// SPDX-License-Identifier: MIT
// Runs an ONNX network for Python (ort.py): tensors in on stdin, tensors out on stdout.
//   node ort_server.js MODEL.onnx [THREADS]         ORT_NODE_DIR: the node_modules folder with onnxruntime-node
// A request is u32 rank, u32 sizes[rank], f32 values; an answer is u32 outputs and for each the same three, in the
// order of the names, which come first, as JSON on stderr. All little-endian.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require(path.resolve(process.env.ORT_NODE_DIR || 'node_modules', 'onnxruntime-node'));

// Pipes give EAGAIN instead of waiting; false at the end of the input.
function readAll(buffer) {
    for (let done = 0; done < buffer.length;) {
        try {
            const n = fs.readSync(0, buffer, done, buffer.length - done, null);
            if (n === 0) return false;
            done += n;
        } catch (error) {
            if (error.code === 'EOF') return false;
            if (error.code !== 'EAGAIN') throw error;
        }
    }
    return true;
}

function writeAll(buffer) {
    for (let done = 0; done < buffer.length;) {
        try {
            done += fs.writeSync(1, buffer, done, buffer.length - done);
        } catch (error) {
            if (error.code !== 'EAGAIN') throw error;
        }
    }
}

function words(...values) {
    return Buffer.from(Uint32Array.from(values).buffer);
}

function readTensor() {
    const rank = Buffer.alloc(4);
    if (!readAll(rank)) return null;
    const sizes = Buffer.alloc(4 * rank.readUInt32LE(0));
    if (!readAll(sizes)) return null;
    const dims = [];
    for (let i = 0; i < sizes.length; i += 4) dims.push(sizes.readUInt32LE(i));
    const values = new ArrayBuffer(4 * dims.reduce((a, b) => a * b, 1));
    return readAll(Buffer.from(values)) ? new ort.Tensor('float32', new Float32Array(values), dims) : null;
}

async function main() {
    const network = await ort.InferenceSession.create(process.argv[2], {
        intraOpNumThreads: parseInt(process.argv[3] || '1', 10), interOpNumThreads: 1,
        // The faceplugin network has many denormal weights: 11 pictures a second without this, 174 with it.
        extra: {session: {set_denormal_as_zero: '1'}},
    });
    process.stderr.write(JSON.stringify({outputs: network.outputNames}) + '\n');
    for (let input; (input = readTensor()) !== null;) {
        const out = await network.run({[network.inputNames[0]]: input});
        const parts = [words(network.outputNames.length)];
        for (const name of network.outputNames) {
            const {dims, data} = out[name];
            parts.push(words(dims.length, ...dims), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        }
        writeAll(Buffer.concat(parts));
    }
}

main().catch((error) => { process.stderr.write(String(error && error.stack || error) + '\n'); process.exit(1); });
