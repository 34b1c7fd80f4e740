#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes one clean set of the aligned parts: drops what must not be trained on and holds people out.

  merge.py --parts PARTS --names a,b,c --lfw LFW --held held-out.txt --out SET

PARTS/NAME.{npy,jsonl,faceplugin.npy,foamliu.npy} are align.py's and embed.py's, LFW/lfw.{faceplugin,foamliu}.npy
the embeddings of all LFW. Writes SET/crops.npy, SET/manifest.jsonl (a line a crop: align.py's facts, "part" and
"row" in it, "split" train or val, "id" the person's number or -1) and SET/stats.json.
"""
import argparse
import json
import os

import numpy as np

import held_out
from teachers import CLEANING, join
from verification import unit

BLOCK = 2048
NEAR_LFW = 0.8       # cosine to any picture of LFW: the picture itself, or one taken in the same moment
DUPLICATE = 0.95     # two pictures of the set: one of them again, cut or scaled
SAME_FILE = 0.4      # CelebA's number says the same picture; below this the number lies
NEAR_HELD = 0.6      # to the mean of a person held out: an unnamed or misnamed picture of that person
WRONG_LABEL = 0.35   # of a person held out, to that person's mean


def labels(base):
    return join({n: np.load("%s.%s.npy" % (base, n)) for n, _ in CLEANING}, CLEANING).astype(np.float32)


def load(parts, names):
    """The facts, embeddings and crops of all parts, in order. CelebA's persons are one in all of its parts."""
    facts, rows, crops = [], [], []
    for name in names:
        base = os.path.join(parts, name)
        with open(base + ".jsonl", encoding="utf-8") as lines:
            own = [json.loads(line) for line in lines]
        for row, f in enumerate(own):
            f["part"], f["row"] = name, row
            if f["ident"] and name.startswith("celeba"):
                f["ident"] = "celeba/" + f["ident"].split("/", 1)[1]
        facts += own
        rows.append(labels(base))
        crops.append(np.load(base + ".npy", mmap_mode="r"))
        if not len(own) == len(rows[-1]) == len(crops[-1]):
            raise SystemExit("%s: %d facts, %d embeddings, %d crops" % (base, len(own), len(rows[-1]), len(crops[-1])))
    return facts, np.concatenate(rows), crops


def nearest(rows, others):
    return np.concatenate([(rows[i:i + BLOCK] @ others.T).max(1) for i in range(0, len(rows), BLOCK)])


def drop_same_files(facts, rows, order, drop):
    seen = {}
    for k in order:
        if facts[k]["part"].startswith("celeba") and drop[k] is None:
            picture = os.path.basename(facts[k]["name"]).split(".")[0]
            first = seen.setdefault(picture, k)
            if first != k and rows[k] @ rows[first] > SAME_FILE:
                drop[k] = "same file"


def drop_duplicates(rows, order, drop):
    ordered = rows[order]
    for i in range(0, len(rows), BLOCK):
        near = ordered[i:i + BLOCK] @ ordered[:i + BLOCK].T
        for q, p in zip(*np.nonzero(near > DUPLICATE)):
            k, better = order[i + q], order[p]
            if p < i + q and drop[k] is None and drop[better] is None:
                drop[k] = "duplicate"


def hold_out(facts, rows, held, drop):
    """Marks the held-out people's pictures, drops those near them elsewhere and those wrongly named; their rows."""
    people = {}
    for k, f in enumerate(facts):
        if drop[k] is None and f["ident"] in held:
            people.setdefault(f["ident"], []).append(k)
    if not people:
        return set()
    middle = {p: unit(rows[ks].mean(0, keepdims=True))[0] for p, ks in people.items()}
    theirs = {k for ks in people.values() for k in ks}
    near = nearest(rows, np.stack(list(middle.values())))
    for k in range(len(rows)):
        if drop[k] is not None:
            continue
        if k in theirs:
            drop[k] = "wrong label" if rows[k] @ middle[facts[k]["ident"]] < WRONG_LABEL else None
        elif near[k] > NEAR_HELD:
            drop[k] = "held-out person"
    return theirs


def write(out, facts, crops, names, keep, theirs):
    os.makedirs(out, exist_ok=True)
    place = {n: c for n, c in zip(names, crops)}
    pictures = np.lib.format.open_memmap(os.path.join(out, "crops.npy"), "w+", np.uint8, (len(keep), 112, 112, 3))
    number = {}
    with open(os.path.join(out, "manifest.jsonl"), "w", encoding="utf-8") as lines:
        for j, k in enumerate(keep):
            f = dict(facts[k], split="val" if k in theirs else "train")
            f["id"] = number.setdefault(f["ident"], len(number)) if f["ident"] else -1
            pictures[j] = place[f["part"]][f["row"]]
            lines.write(json.dumps(f) + "\n")
    pictures.flush()
    return len(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("parts", "names", "lfw", "held", "out"):
        parser.add_argument("--" + name, required=True)
    arg = parser.parse_args()
    held = set(held_out.read(arg.held))
    names = arg.names.split(",")
    facts, rows, crops = load(arg.parts, names)
    drop = ["near LFW" if s > NEAR_LFW else None for s in nearest(rows, labels(os.path.join(arg.lfw, "lfw")))]
    order = sorted(range(len(rows)), key=lambda k: -facts[k]["px"])  # the sharpest of two stays
    drop_same_files(facts, rows, order, drop)
    drop_duplicates(rows, order, drop)
    theirs = hold_out(facts, rows, held, drop)
    keep = [k for k, why in enumerate(drop) if why is None]
    people = write(arg.out, facts, crops, names, keep, theirs)
    counts = {why: drop.count(why) for why in sorted(set(drop) - {None})}
    stats = {"rows": len(rows), "kept": len(keep), "held out": len(theirs & set(keep)), "people": people,
             "dropped": counts}
    with open(os.path.join(arg.out, "stats.json"), "w", encoding="utf-8") as out:
        json.dump(stats, out, indent=1)
    print(json.dumps(stats))


if __name__ == "__main__":
    main()
