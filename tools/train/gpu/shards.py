# SPDX-License-Identifier: MIT
"""Shards: crops as WebP, end to end in one file beside their ends and people's numbers. What pack.py writes and
unpack.py reads.
"""
import io

import numpy as np
from PIL import Image


def encode(crop, quality):
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "WEBP", quality=quality, method=4)
    return file.getvalue()


def decode(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def write(path, pictures, people):
    np.savez(path, data=np.frombuffer(b"".join(pictures), np.uint8), people=np.asarray(people, np.int32),
             ends=np.cumsum([len(p) for p in pictures], dtype=np.int64))


def read(path):
    """-> list of encoded pictures, people."""
    arrays = np.load(path)
    data, ends = arrays["data"].tobytes(), arrays["ends"].tolist()
    return [data[a:b] for a, b in zip([0] + ends[:-1], ends)], arrays["people"]
