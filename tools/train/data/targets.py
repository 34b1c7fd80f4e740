#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Joins the teachers' labels of a merged set to the target the student learns.

  targets.py --set SET --parts PARTS [--rotation FILE | --like TARGET.npy]

Reads SET/manifest.jsonl and PARTS/NAME.TEACHER.npy; writes SET/target.npy (float16 unit rows of 512 in the order of
the manifest) and SET/rotation.npy, which the bank uses too. --rotation takes one from an earlier set with the same
teachers. --like turns the new targets as near as a rotation can to earlier ones of the same rows, of other teachers:
a student of those need not learn a new space first. Prints what the step to 512 numbers costs and how well the
targets tell the people held out apart.
"""
import argparse
import json
import os

import numpy as np

from teachers import TARGET, join, nearest_turn, rotation
from verification import held_out, unit


def collect(facts, parts):
    """The joined labels of each line of the manifest."""
    rows = {}
    for name, _ in TARGET:
        part = {p: np.load(os.path.join(parts, "%s.%s.npy" % (p, name)), mmap_mode="r")
                for p in {f["part"] for f in facts}}
        rows[name] = np.stack([part[f["part"]][f["row"]] for f in facts])
    return join(rows, TARGET).astype(np.float32)


def lost(before, after, pairs=200000):
    """Mean and largest change of the cosine of random pairs."""
    i, j = np.random.default_rng(0).integers(0, len(before), (2, pairs))
    change = np.abs((before[i] * before[j]).sum(1) - (after[i] * after[j]).sum(1))
    return change.mean(), change.max()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", required=True)
    parser.add_argument("--parts", required=True)
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument("--rotation")
    earlier.add_argument("--like")
    arg = parser.parse_args()
    with open(os.path.join(arg.set, "manifest.jsonl"), encoding="utf-8") as lines:
        facts = [json.loads(line) for line in lines]
    rows = collect(facts, arg.parts)
    train = np.array([f["split"] == "train" for f in facts])
    if arg.rotation:
        turn = np.load(arg.rotation)
    else:
        turn, kept = rotation(rows[train])
        print("%d numbers to %d: %.6f of the energy stays" % (rows.shape[1], turn.shape[1], kept))
    if arg.like:
        old = np.load(arg.like).astype(np.float32)
        turn = turn @ nearest_turn(unit(rows @ turn), old)
        print("cosine to the earlier targets: %.3f in the mean" % (unit(rows @ turn) * old).sum(1).mean())
    target = unit(rows @ turn)
    print("cosines change by %.5f in the mean, %.5f at most" % lost(rows, target))
    np.save(os.path.join(arg.set, "rotation.npy"), turn)
    np.save(os.path.join(arg.set, "target.npy"), target.astype(np.float16))
    held = [k for k, f in enumerate(facts) if f["split"] == "val"]
    if held:
        people = np.unique([facts[k]["ident"] for k in held], return_inverse=True)[1]
        print("people held out: TAR %.4f at FAR 1e-3, %.4f at 1e-4" % tuple(held_out(target[held], people)))


if __name__ == "__main__":
    main()
