# SPDX-License-Identifier: MIT
"""The test pictures and the choice of samples, so simple that C makes the same (tests/support/fixture.c).

Picture of width x height, channel c, row y, column x:
    i     = (c * height + y) * width + x                       index in [3][height][width]
    h     = i * 2654435761 + width * 40503 + height            all modulo 2^32
    h     = (h ^ h >> 15) * 2246822519;  h = (h ^ h >> 13) * 3266489917;  h = h ^ h >> 16
    noise = ((h >> 9) - 2^22) / 2^22                           [-1, 1)
    t     = (x + 2 * y + 37 * c) mod 64
    value = (noise + (t < 32 ? t : 63 - t) / 16 - 1) / 2       noise and a slant of stripes
Every step is exact in float32.
"""
import numpy as np

STRIDE, RING_STRIDE = 97, 11  # coprime to the channel counts that occur
WHOLE_UP_TO = 32              # pictures up to this side keep every value of every map


def picture(width, height):
    c, y, x = np.meshgrid(np.arange(3), np.arange(height), np.arange(width), indexing="ij")
    h = ((c * height + y) * width + x).astype(np.uint32)
    h = h * np.uint32(2654435761) + np.uint32((width * 40503 + height) & 0xFFFFFFFF)
    h = (h ^ h >> np.uint32(15)) * np.uint32(2246822519)
    h = (h ^ h >> np.uint32(13)) * np.uint32(3266489917)
    h = h ^ h >> np.uint32(16)
    noise = ((h >> np.uint32(9)).astype(np.float32) - np.float32(2**22)) / np.float32(2**22)
    t = (x + 2 * y + 37 * c) % 64
    stripes = np.where(t < 32, t, 63 - t).astype(np.float32) / np.float32(16) - np.float32(1)
    return (noise + stripes) / np.float32(2)


def samples(map_nchw, whole):
    """The values that are kept of a [C][H][W] map: all, or every 97th and in the outermost ring of pixels,
    where padding goes wrong, every 11th; indices are of [H][W][C], ascending."""
    channels, height, width = map_nchw.shape
    rows = map_nchw.transpose(1, 2, 0)
    index = np.arange(rows.size)
    if whole:
        return rows.reshape(-1)
    pixel = index // channels
    y, x = pixel // width, pixel % width
    ring = (y == 0) | (y == height - 1) | (x == 0) | (x == width - 1)
    return rows.reshape(-1)[(index % STRIDE == 0) | (ring & (index % RING_STRIDE == 0))]
