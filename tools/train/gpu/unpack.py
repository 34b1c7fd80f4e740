#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""On the GPU machine: unpack.py FOLDER SET. Decodes a folder of pack.py's into SET: NAME.x.npy (u8 [n,3,112,112]) and
NAME.id.npy for each shard, and the models as they are."""
import multiprocessing
import os
import pathlib
import shutil
import sys

import numpy as np

sys.dont_write_bytecode = True
import shards  # noqa: E402


def decode(data):
    return shards.decode(data).transpose(2, 0, 1)


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.suffix != ".npz":
            shutil.copyfile(path, out / path.name)
            continue
        pictures, people = shards.read(path)
        with multiprocessing.Pool(os.cpu_count()) as pool:
            crops = np.stack(pool.map(decode, pictures, chunksize=64))
        np.save(out / f"{path.stem}.x.npy", crops)
        np.save(out / f"{path.stem}.id.npy", people)
        print(path.name, crops.shape, flush=True)


if __name__ == "__main__":
    main()
