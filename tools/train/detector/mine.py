#!/usr/bin/python3
"""Finds what a detector takes for faces in the training pictures, for scenes.py to show as background.

  mine.py --cache CACHE --program BENCH_DETECT --detector FILE [--score 0.5] [--most 0.97]

Writes CACHE/hard.json: [path, x, y, side] for every box that touches no labelled face, sure or not. Those above
--most are left out: they are mostly faces that the labels miss.
"""
import argparse
import json
import os

import numpy as np

import measure
import scenes


def mistakes(found, faces, score, most):
    """The boxes of found that lie clear of all faces."""
    for f in found:
        if not score <= f[0] <= most:
            continue
        touches = len(faces) and ((faces[:, 1] < f[3]) & (faces[:, 1] + faces[:, 3] > f[1]) & (faces[:, 2] < f[4]) &
                                  (faces[:, 2] + faces[:, 4] > f[2])).any()
        if not touches:
            side = max(f[3] - f[1], f[4] - f[2])
            yield [float((f[1] + f[3] - side) / 2), float((f[2] + f[4] - side) / 2), float(side)]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cache", "program", "detector"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--score", type=float, default=0.5)
    ap.add_argument("--most", type=float, default=0.97)
    arg = ap.parse_args()
    find = measure.Finder(arg.program, arg.detector, 20, arg.score)
    pictures = scenes.Pictures(arg.cache, "train")
    hard = []
    for r in pictures.rows:
        hard += [[r["path"], *box] for box in mistakes(find(pictures.pixels(r)), r["faces"], arg.score, arg.most)]
    path = os.path.join(arg.cache, "hard.json")
    json.dump(hard, open(path + ".tmp", "w"))
    os.replace(path + ".tmp", path)
    print("%d in %d pictures" % (len(hard), len(pictures.rows)))


if __name__ == "__main__":
    main()
