#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the trainer's arrays and list from the cleaned set.

  prepare.py SET OUT [--targets FILE] [--least 3]

SET holds crops.npy, target.npy and manifest.jsonl ("split": train or val, "ident": a name or null). OUT gets
set.{x,t,id}.npy, the training crops with targets and numbers of people (-1: no name, or fewer than --least pictures);
held.{x,id}.npy, the people never trained on, names as ../data/held-out.txt corrects them (--as-named: uncorrected);
and list.txt. --targets: other embeddings of the same rows as set.x.npy. Arrays that are there already with the right
number of rows stay.
"""
import argparse
import collections
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "data"))
import held_out  # noqa: E402


def write(path, rows, make):
    if path.exists() and len(np.load(path, mmap_mode="r")) == rows:
        return
    np.save(path, make())


def numbers(names, least):
    """-1 for no name; the others numbered in the order of their names."""
    counts = collections.Counter(n for n in names if n is not None)
    number = {n: i for i, n in enumerate(sorted(n for n, c in counts.items() if c >= least))}
    return np.array([number.get(n, -1) for n in names], np.int32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("set", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--targets", type=pathlib.Path)
    parser.add_argument("--least", type=int, default=3)
    parser.add_argument("--as-named", action="store_true")
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    out = a.out.resolve()
    rows = [json.loads(line) for line in open(a.set / "manifest.jsonl")]
    crops, targets = (np.load(a.set / n, mmap_mode="r") for n in ("crops.npy", "target.npy"))
    train = [i for i, r in enumerate(rows) if r["split"] == "train"]
    held = [i for i, r in enumerate(rows) if r["split"] == "val"]
    kept, names = held_out.measured([rows[i]["ident"] for i in held], {} if a.as_named else held_out.read())
    held = [held[k] for k in kept]
    write(out / "set.x.npy", len(train), lambda: crops[train])
    write(out / "set.t.npy", len(train), lambda: targets[train])
    write(out / "held.x.npy", len(held), lambda: crops[held])
    write(out / "held.id.npy", len(held), lambda: numbers(names, 1))
    people = numbers([rows[i]["ident"] for i in train], a.least)
    np.save(out / "set.id.npy", people)
    used = a.targets.resolve() if a.targets else out / "set.t.npy"
    if len(np.load(used, mmap_mode="r")) != len(train):
        raise SystemExit(f"prepare.py: {used}: not {len(train)} rows")
    (out / "list.txt").write_text(f"{out}/set.x.npy {used} {out}/set.id.npy\n")
    print(f"{len(train)} training crops, {int((people >= 0).sum())} of them of {people.max() + 1} named people; "
          f"{len(held)} held-out crops")


if __name__ == "__main__":
    main()
