#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Labels crops with one teacher.

  embed.py --teacher NAME --models DIR --crops X.npy --out E.npy [--flip] [--threads 1]

E.npy is float16, one unit row a crop. Work is kept in E.npy.part: a broken run goes on where it stopped. Teachers
and their files: teachers.py.
"""
import argparse
import os
import time

import numpy as np

from teachers import NETWORKS, Teacher

STEP = 64


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, choices=sorted(NETWORKS))
    for name in ("models", "crops", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    arg = parser.parse_args()
    if os.path.exists(arg.out):
        return
    crops, part = np.load(arg.crops, mmap_mode="r"), arg.out + ".part"
    teacher = Teacher(arg.teacher, arg.models, arg.threads)
    shape = (len(crops), teacher.dim)
    if os.path.exists(part) and np.load(part, mmap_mode="r").shape == shape:
        rows = np.lib.format.open_memmap(part, "r+")
    else:
        rows = np.lib.format.open_memmap(part, "w+", np.float16, shape)
    start, done = time.time(), 0
    for i in range(0, len(crops), STEP):
        if rows[i:i + STEP].any(1).all():
            continue
        rows[i:i + STEP] = teacher.label(crops[i:i + STEP], arg.flip)
        done += len(rows[i:i + STEP])
    rows.flush()
    teacher.close()
    os.replace(part, arg.out)
    print("%s: %d crops, %.1f a second" % (arg.out, len(crops), done / (time.time() - start + 1e-9)))


if __name__ == "__main__":
    main()
