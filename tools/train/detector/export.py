#!/usr/bin/python3
"""Writes trained weights as a .vew file (docs/format.md).

  export.py --weights RUN/ema.pt --out weights/face-detector.vew [--precision f16|f32] [--shift 0.0] [--name NAME]
  export.py --random SEED --dims 8,8,16,16 --depths 1,1,1,1 --out FILE      random weights, for tests

--shift is added to the scores' biases, so that 0.5 is the score at which the detector is to be trusted (measure.py
tells it).
"""
import argparse
import hashlib
import struct

import numpy as np
import torch

import net

U32, F32, TEXT = 1, 2, 4


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


def padded(data, multiple=8):
    return data + bytes(-len(data) % multiple)


def record(name, kind, value, required=True):
    data = value.encode() if kind == TEXT else struct.pack("<%d%s" % (len(value), "I" if kind == U32 else "f"), *value)
    body = padded(name.encode()) + padded(data)
    return struct.pack("<IBBHII", 16 + len(body), kind, required, len(name), len(value), len(data)) + body


def names(depths):
    """All tensors in the order of ve__arch_tensor (lib/weights/weights.h)."""
    out = ["stem.0.weight", "stem.0.bias", "stem.norm.weight", "stem.norm.bias"]
    for s, depth in enumerate(depths):
        if s:
            out += ["stage.%d.down.%s" % (s, n) for n in ("norm.weight", "norm.bias", "weight", "bias")]
        for b in range(depth):
            out += ["stage.%d.block.%d.%s" % (s, b, n) for n in (
                "dw.weight", "dw.bias", "norm.weight", "norm.bias", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias",
                "scale")]
    for s in (1, 2, 3):
        out += ["map.%d.%s" % (s, n) for n in ("norm.weight", "norm.bias", "weight", "bias")]
    return out


def write(path, weights, precision, name, source=""):
    dims = [weights["stem.0.bias"].numel()] + [weights["stage.%d.down.bias" % s].numel() for s in (1, 2, 3)]
    depths = [sum(k.startswith("stage.%d.block." % s) and k.endswith(".scale") for k in weights) for s in range(4)]
    ratio = weights["stage.0.block.0.fc1.bias"].numel() // dims[0]
    identity = b"".join([
        record("arch.version", U32, [1]), record("arch.depths", U32, depths), record("arch.dims", U32, dims),
        record("arch.hidden_ratio", U32, [ratio]), record("arch.stem", U32, [1]), record("arch.stem_patch", U32, [4]),
        record("arch.stem_mid", U32, [0]), record("arch.norm", U32, [1]), record("arch.eps", F32, [net.EPS]),
        record("arch.final_eps", F32, [net.EPS]), record("arch.final", U32, [1]), record("arch.head_layers", U32, [0]),
        record("arch.head_dims", U32, [0, 0]), record("arch.embedding_kind", U32, [1]),
        record("arch.map_outputs", U32, [net.OUTPUTS]), record("input.width", U32, [320]),
        record("input.height", U32, [256]), record("input.mean", F32, [0.5] * 3), record("input.std", F32, [0.5] * 3),
        record("input.filter", U32, [5]), record("input.crop", U32, [2]), record("input.crop_fraction", F32, [1.0]),
        record("input.resize_to", U32, [0]), record("weight_type", TEXT, precision)])
    digest = hashlib.sha256(identity)
    data = []
    for n in names(depths):
        t = weights[n].detach().numpy()
        half = precision == "f16" and t.ndim > 1
        data.append((n, 2 if half else 1, t.shape, t.astype("<f2" if half else "<f4").tobytes()))
        digest.update(data[-1][3])
    fields = identity + record("fingerprint", TEXT, digest.hexdigest()) + record("name", TEXT, name, False)
    if source:
        fields += record("source_file", TEXT, source, False)
    count = 26 + bool(source)  # 24 of them in identity
    table_bytes = sum(40 + len(padded(n.encode())) for n, _, _, _ in data)
    header_bytes = -(-(64 + len(fields) + table_bytes) // 64) * 64
    at, table, body = header_bytes, b"", b""
    for n, kind, shape, b in data:
        at = -(-at // 64) * 64
        body += bytes(at - header_bytes - len(body)) + b
        table += struct.pack("<QQIBBH4I", at, len(b), crc32c(b), kind, len(shape), len(n),
                             *(tuple(shape) + (1,) * (4 - len(shape)))) + padded(n.encode())
        at += len(b)
    head = struct.pack("<8sIIQIII28x", b"\x89VEW\r\n\x1a\n", 1, header_bytes, at, count, len(data), 0)
    header = (head + fields + table).ljust(header_bytes, b"\0")
    header = header[:32] + struct.pack("<I", crc32c(header)) + header[36:]
    with open(path, "wb") as out:
        out.write(header + body)
    return digest.hexdigest(), at


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--weights")
    ap.add_argument("--random", type=int)
    ap.add_argument("--dims", default="")
    ap.add_argument("--depths", default="")
    ap.add_argument("--out", required=True)
    ap.add_argument("--precision", default="f16", choices=("f16", "f32"))
    ap.add_argument("--shift", type=float, default=0.0)
    ap.add_argument("--name", default="visembed face detector")
    arg = ap.parse_args()
    if arg.dims:
        net.DIMS = tuple(map(int, arg.dims.split(",")))
    if arg.depths:
        net.DEPTHS = tuple(map(int, arg.depths.split(",")))
    weights = torch.load(arg.weights) if arg.weights else net.make_parameters(arg.random)
    for s in (1, 2, 3):
        weights["map.%d.bias" % s][0] += arg.shift
    fingerprint, size = write(arg.out, weights, arg.precision, arg.name)
    print("%s: %d bytes, %d parameters, fingerprint %.16s..." % (
        arg.out, size, sum(w.numel() for w in weights.values()), fingerprint))


if __name__ == "__main__":
    main()
