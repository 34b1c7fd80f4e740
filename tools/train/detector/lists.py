#!/usr/bin/python3
"""Chooses the pictures of the detector's training and validation and deals them, mixed, into one list.

  lists.py --repos DIR --held val.jsonl --parts DIR --backgrounds DIR --out LIST

--repos is the folder with the unpacked repositories, --held names the crops of the people held out, --parts the
folder with the parts' lists (who is on which picture). Validation: pictures of people held out where people are
named, elsewhere one picture of 16 by a checksum of its name. LFW is in neither.
"""
import argparse
import json
import os
import random
import zlib

# source, folder below --repos, how many pictures to take
SOURCES = [("celeba_matush", "matush/Celeb", 6300), ("mebeauty", "mebeauty/original_images", 2545),
           ("aaf", "aaf/All-Age-Faces Dataset/original images", 2500), ("utkface", "utkface/data/UTKFace/unlabeled", 2000),
           ("celeba_trung", "celeba_trung", 1500), ("zoya_real", "zoya", 600), ("fakefaces", "fakefaces", 300)]


def pictures(folder):
    for d, dirs, files in os.walk(folder):
        dirs.sort()
        for f in sorted(files):
            if f.lower().endswith((".jpg", ".jpeg", ".png")):
                yield os.path.join(d, f)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("repos", "held", "parts", "backgrounds", "out"):
        ap.add_argument("--" + name, required=True)
    arg = ap.parse_args()
    held = {r["ident"].split("/")[1] for r in map(json.loads, open(arg.held))}
    named = {}
    for source, _, _ in SOURCES:
        path = os.path.join(arg.parts, source + ".jsonl")
        for r in map(json.loads, open(path)):
            if r["ident"]:
                named[source, os.path.basename(r["name"])] = r["ident"].split("/")[1]
    rng = random.Random(7)
    rows = []
    for source, folder, most in SOURCES + [("objects", None, 5000)]:
        found = list(pictures(os.path.join(arg.repos, folder) if folder else arg.backgrounds))
        rng.shuffle(found)
        for path in found[:most]:
            key = source, os.path.basename(path)
            if key in named:
                split = "val" if named[key] in held else "train"
            else:
                split = "val" if zlib.crc32(key[1].encode()) % 16 == 0 else "train"
            rows.append((split, source, path))
    rng.shuffle(rows)
    with open(arg.out, "w") as out:
        for r in rows:
            out.write("\t".join(r) + "\n")
    print(len(rows), "pictures,", sum(r[0] == "val" for r in rows), "for validation")


if __name__ == "__main__":
    main()
