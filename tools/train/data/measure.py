#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints how well the teachers, alone and joined, tell people apart.

  measure.py --held X.npy IDS.npy --models DIR [--flip] [--teacher NAME ...]     labels the crops first
  measure.py --lfw LFW/lfw --pairs pairs.txt                                     from embed.py's LFW/lfw.NAME.npy

People held out: TAR at FAR 1e-3 and 1e-4 over all pairs; teachers are chosen by these. LFW: accuracy in ten folds,
its deviation, TAR at FAR 1e-3; for reporting only.
"""
import argparse
import os

import numpy as np

import verification
from teachers import CLEANING, NETWORKS, TARGET, Teacher, join


def mixes(labels):
    """Each teacher, and the joins that all their teachers are there for."""
    yield from labels.items()
    for mix in (CLEANING, TARGET):
        if all(name in labels for name, _ in mix):
            yield " + ".join("%g %s" % (w, n) for n, w in mix), join(labels, mix)


def label(crops, arg):
    labels = {}
    for name in arg.teacher or sorted(NETWORKS):
        teacher = Teacher(name, arg.models)
        labels[name] = teacher.label(crops, arg.flip)
        teacher.close()
    return labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held", nargs=2)
    parser.add_argument("--models")
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--teacher", nargs="+", choices=sorted(NETWORKS))
    parser.add_argument("--lfw")
    parser.add_argument("--pairs")
    arg = parser.parse_args()
    if arg.held:
        people = np.load(arg.held[1])
        for name, rows in mixes(label(np.load(arg.held[0], mmap_mode="r"), arg)):
            print("%s: TAR %.4f at FAR 1e-3, %.4f at 1e-4" % (name, *verification.held_out(rows, people)), flush=True)
    if arg.lfw:
        files = {n: "%s.%s.npy" % (arg.lfw, n) for n in NETWORKS}
        for name, rows in mixes({n: np.load(f) for n, f in files.items() if os.path.exists(f)}):
            print("%s: LFW %.4f +- %.4f, TAR %.4f at FAR 1e-3" %
                  (name, *verification.lfw(rows, arg.lfw + ".jsonl", arg.pairs)))


if __name__ == "__main__":
    main()
