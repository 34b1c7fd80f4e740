#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Packs what a GPU machine needs into folders small enough to be carried, one a call.

  pack.py OUT --crops SET.x.npy --people SET.id.npy --held HELD.x.npy HELD.id.npy --teachers FOLDER --init FILE
          [--limit MIB] [--quality Q] [--processes N]

OUT/0, OUT/1 ... get shard files of at most --limit MiB in all; OUT/0 also the teachers (teachers.json and what it
names), the starting weights and the held-out people. The crops' order is shuffled, so that any part of the folders is
a fair sample.
"""
import argparse
import json
import multiprocessing
import pathlib
import shutil
import sys

import numpy as np

sys.dont_write_bytecode = True
import shards  # noqa: E402

HELD_QUALITY = 92  # the measure shall not suffer from the packing

crops = None
quality = 0


def start_worker(path, wanted):
    global crops, quality
    crops, quality = np.load(path, mmap_mode="r"), wanted


def encode(row):
    return shards.encode(crops[row], quality)


def encoded(path, rows, a, wanted):
    with multiprocessing.Pool(a.processes, start_worker, (path, wanted)) as pool:
        yield from pool.imap(encode, rows, chunksize=64)


def copy_models(a, folder):
    names = ["teachers.json"]
    description = json.loads((a.teachers / names[0]).read_text())
    names += [t["file"] for t in description["teachers"]] + [description["rotation"]] * bool(description.get("rotation"))
    for name in names:
        shutil.copyfile(a.teachers / name, folder / name)
    shutil.copyfile(a.init, folder / "init.safetensors")


def pack_held(a, folder):
    people = np.load(a.held[1])
    pictures = list(encoded(a.held[0], range(len(people)), a, HELD_QUALITY))
    shards.write(folder / "held.npz", pictures, people)
    return sum(map(len, pictures))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--crops", required=True)
    parser.add_argument("--people", required=True)
    parser.add_argument("--held", nargs=2, required=True)
    parser.add_argument("--teachers", type=pathlib.Path, required=True)
    parser.add_argument("--init", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=float, default=44)
    parser.add_argument("--quality", type=int, default=80)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--most", type=int, help="pack only so many crops (for trying)")
    a = parser.parse_args()
    people = np.load(a.people)
    rows = np.random.default_rng(0).permutation(len(people))[:a.most]
    limit, total, number, pictures, first = a.limit * 2 ** 20, 0, 0, [], 0
    folder = a.out / "0"
    folder.mkdir(parents=True)
    copy_models(a, folder)
    pack_held(a, folder)
    used = sum(f.stat().st_size for f in folder.iterdir())
    for i, picture in enumerate(encoded(a.crops, rows, a, a.quality)):
        if used + len(picture) + 32 > limit:
            if pictures:
                shards.write(folder / f"set{number}.npz", pictures, people[rows[first:i]])
            number, pictures, first, used = number + 1, [], i, 0
            folder = a.out / str(number)
            folder.mkdir()
        pictures.append(picture)
        used += len(picture) + 32
        total += len(picture)
    shards.write(folder / f"set{number}.npz", pictures, people[rows[first:]])
    print(f"{len(rows)} crops of {total / len(rows):.0f} bytes in {number + 1} folders")


if __name__ == "__main__":
    main()
