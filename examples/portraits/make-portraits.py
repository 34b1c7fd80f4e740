#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make-portraits.py FOLDER: makes this folder's pictures from the originals in FOLDER (see SOURCES.md).

Each original is turned, scaled and cut so that eyes, nose and mouth lie where the embedder expects them, twice as
large (224x224 instead of 112x112). The five points were placed by eye. Of one portrait further renditions are made:
what a camera, a dark room or a messenger may do to a picture. whole/ gets the originals themselves, uncut, made smaller.
"""
import os
import sys

import numpy as np
from PIL import Image, ImageEnhance

SIDE, SCALE = 224, 2.0
# Longer side of the uncut pictures.
WHOLE = 480
# Left eye, right eye (as seen in the picture), nose, corners of the mouth; in a 112x112 crop.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
                     [70.7299, 92.2041]])
# Original, and the same points in it.
PORTRAITS = {
    "ride-1": ("ride-1.jpg", [[299.3, 281.5], [405.7, 277.7], [360.1, 325.2], [307.5, 371.4], [403.1, 368.2]]),
    "ride-2": ("ride-2.jpg", [[1277, 1094], [1621, 1122], [1442, 1296], [1293, 1391], [1586, 1407]]),
    "ochoa-1": ("ochoa-1.jpg", [[377.2, 279.3], [437.9, 278.8], [405.7, 315.2], [379.8, 342.1], [435.8, 342.1]]),
    "ochoa-2": ("ochoa-2.jpg", [[305.1, 275.9], [401.4, 262.9], [359.8, 326.5], [326.3, 372.2], [412.0, 360.0]]),
    "collins": ("collins.png", [[202.6, 100.8], [247.5, 102.9], [223.0, 125.5], [205.8, 140.6], [243.1, 141.3]]),
}


def similarity(source, target):
    """The least-squares similarity transform (rotation, scale, shift) source -> target, as a complex pair (a, b):
    z -> a z + b."""
    s, t = source @ [1, 1j], target @ [1, 1j]
    a = np.vdot(s - s.mean(), t - t.mean()) / np.vdot(s - s.mean(), s - s.mean())
    return a, t.mean() - a * s.mean()


def align(image, points, turn=0.0):
    """The aligned crop, turned by so many degrees around its centre."""
    a, b = similarity(np.array(points, float), TEMPLATE * SCALE)
    centre = SIDE / 2 * (1 + 1j)
    r = np.exp(1j * np.radians(turn))
    a, b = a * r, (b - centre) * r + centre
    # Pillow wants the way back: z = (w - b) / a. Shrinking first keeps fine structure from aliasing.
    shrink = max(1, int(1 / abs(a)))
    image = image.reduce(shrink)
    inverse, shift = 1 / a / shrink, -b / a / shrink
    return image.transform((SIDE, SIDE), Image.Transform.AFFINE,
                           (inverse.real, -inverse.imag, shift.real, inverse.imag, inverse.real, shift.imag),
                           Image.Resampling.BICUBIC)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    originals = {n: (Image.open(os.path.join(sys.argv[1], f)).convert("RGB"), p) for n, (f, p) in PORTRAITS.items()}

    def save(image, name, quality=90):
        image.save(os.path.join(here, name), quality=quality)

    for name, (image, points) in originals.items():
        save(align(image, points), name + ".jpg")
    image, points = originals["ride-2"]
    straight = align(image, points)
    save(align(image, points, turn=10), "ride-2-turned.jpg")
    save(ImageEnhance.Brightness(straight).enhance(0.35), "ride-2-dimmed.jpg")
    save(straight, "ride-2-recompressed.jpg", quality=12)
    save(straight.resize((56, 56), Image.Resampling.LANCZOS), "ride-2-small.jpg")
    os.makedirs(os.path.join(here, "whole"), exist_ok=True)
    for name, (image, _) in originals.items():
        image.thumbnail((WHOLE, WHOLE), Image.Resampling.LANCZOS)
        save(image, os.path.join("whole", name + ".jpg"), quality=85)


main()
