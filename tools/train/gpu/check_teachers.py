#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares teachers run in PyTorch with onnxruntime: check_teachers.py FOLDER CROPS.npy [--count 64].

FOLDER: teachers.json (see teachers.py). Exit status 1 when a cosine is 0.9999 or less.
Needs the Python package onnxruntime.
"""
import argparse
import json
import pathlib
import sys

import numpy as np
import onnxruntime
import torch

sys.dont_write_bytecode = True
from teachers import Teacher  # noqa: E402


def onnxruntime_of(path):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("crops")
    parser.add_argument("--count", type=int, default=64)
    a = parser.parse_args()
    crops = np.load(a.crops, mmap_mode="r")[:a.count].astype(np.float32)
    crops = torch.from_numpy(crops.transpose(0, 3, 1, 2).copy())
    worst = 1.0
    for description in json.loads((a.folder / "teachers.json").read_text())["teachers"]:
        teacher, run = Teacher(a.folder, description).eval(), onnxruntime_of(a.folder / description["file"])
        with torch.no_grad():
            ours = teacher.embed(crops).numpy()
        x = teacher.input_of(crops).numpy()
        theirs = np.concatenate([run(np.ascontiguousarray(x[i:i + 1])).reshape(1, -1) for i in range(len(x))])
        theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
        cosines = (ours * theirs).sum(1)
        worst = min(worst, cosines.min())
        print(f"{description['file']}: cosine to onnxruntime on {len(x)} crops: least {cosines.min():.7f}")
    sys.exit(0 if worst > 0.9999 else 1)


if __name__ == "__main__":
    main()
