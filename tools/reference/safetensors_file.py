# SPDX-License-Identifier: MIT
"""Writes safetensors files: u64 header length, JSON header, tensors end to end."""
import json
import struct

import torch

DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def tensor_bytes(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:  # numpy has no such type
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


def write(path, tensors, metadata=None):
    """tensors: {name: tensor}. Tensors lie in the order of their names, as the common writer leaves them."""
    header, parts, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(tensors):
        raw = tensor_bytes(tensors[name])
        header[name] = {"dtype": DTYPES[tensors[name].dtype], "shape": list(tensors[name].shape),
                        "data_offsets": [offset, offset + len(raw)]}
        parts.append(raw)
        offset += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for raw in parts:
            file.write(raw)


def write_sharded(folder, tensors, count, metadata=None):
    """model-00001-of-0000N.safetensors ... and model.safetensors.index.json."""
    names = sorted(tensors)
    total, index = 0, {}
    for i in range(count):
        shard = f"model-{i + 1:05d}-of-{count:05d}.safetensors"
        part = {name: tensors[name] for name in names[i::count]}
        write(folder / shard, part, metadata)
        total += sum(t.numel() * t.element_size() for t in part.values())
        index.update({name: shard for name in part})
    text = {"metadata": {"total_size": total}, "weight_map": {name: index[name] for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(text, indent=1) + "\n")
