#!/usr/bin/python3
"""Makes tests/fixtures/detector: a small detector with random weights, and what PyTorch says its maps are.

  make_fixture.py OUT

OUT/detector.vew, and OUT/maps.npy: the maps of strides 8, 16 and 32, cell after cell, of a picture of 96 x 64 pixels
whose byte i is ((i + 1) * 2654435761 mod 2^32) >> 24.
"""
import os
import sys

import numpy as np
import torch

import export
import net

WIDTH, HEIGHT = 96, 64


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    net.DIMS, net.DEPTHS, net.RATIO = (8, 12, 16, 20), (1, 2, 1, 1), 2
    p = net.make_parameters(11)
    g = torch.Generator().manual_seed(12)
    for k in p:
        if p[k].ndim == 1:  # norms that do something, biases that are not zero
            p[k] = p[k] + 0.3 * torch.randn(p[k].shape, generator=g)
        else:
            p[k] = p[k].half().float()
    i = np.arange(1, WIDTH * HEIGHT * 3 + 1, dtype=np.uint64)
    picture = ((i * 2654435761 & 0xffffffff) >> 24).astype(np.uint8).reshape(1, HEIGHT, WIDTH, 3)
    maps = net.all_cells(p, torch.from_numpy(picture).float() / 127.5 - 1)
    export.write(os.path.join(out, "detector.vew"), p, "f16", "random detector")
    np.save(os.path.join(out, "maps.npy"), maps[0].numpy().astype("<f4"))


if __name__ == "__main__":
    main()
