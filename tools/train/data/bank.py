#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes views of training crops, damaged and mixed, each labelled by the teachers on exactly that view.

  bank.py --crops X.npy --models DIR --rotation R.npy --out BANK --shards N [--first K] [--size 4096]

A shard is BANK/KKK.x.npy (uint8 crops) and BANK/KKK.t.npy (float16 targets, turned by the set's rotation); it is
complete when its .t.npy is there. Shard K is always the same: its number is its seed. Two of five views are a mixture
of two faces, which no teacher was trained on and whose labels lie between the two: they fill the space between people.
"""
import argparse
import os
import time

import cv2
import numpy as np

from teachers import TARGET, Teacher, join
from verification import unit

EDGE = 112


def moved(image, r):
    """Mirrored or not, turned by up to 8 degrees, scaled by up to 8 %, moved by up to 4 pixels."""
    if r.random() < 0.5:
        image = image[:, ::-1]
    scale, angle = (1.0, 0.0) if r.random() < 0.3 else (r.uniform(0.92, 1.08), r.uniform(-8, 8))
    matrix = cv2.getRotationMatrix2D(((EDGE - 1) / 2, (EDGE - 1) / 2), angle, scale)
    matrix[:, 2] += r.uniform(-4, 4, 2)
    return cv2.warpAffine(np.ascontiguousarray(image), matrix, (EDGE, EDGE), borderMode=cv2.BORDER_REPLICATE)


def coloured(image, r):
    """Other gamma, contrast and brightness, the last a little different for each colour; sometimes gray."""
    if r.random() < 0.6:
        level = np.arange(256) / 255
        curve = (level**np.exp(r.uniform(-0.35, 0.35)) - 0.5) * r.uniform(0.75, 1.25) + 0.5 + r.uniform(-0.12, 0.12)
        table = (curve[:, None] + r.uniform(-0.04, 0.04, 3)) * 255
        image = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8)[None])
    if r.random() < 0.1:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    return image


def dark(image, r):
    """Few photons: a tenth to a third of the light, with the noise of a sensor, brought up again in part."""
    light = image.astype(np.float32) * r.uniform(0.08, 0.35)
    noisy = light + r.normal(0, 1, image.shape) * (np.sqrt(light) * r.uniform(0.2, 0.8) + r.uniform(0.5, 2))
    return np.clip(noisy * r.uniform(1, 3), 0, 255).astype(np.uint8)


def soft(image, r):
    if r.random() < 0.3:
        return cv2.GaussianBlur(image, (0, 0), r.uniform(0.5, 2))
    small = cv2.resize(image, (int(r.integers(24, 65)),) * 2, interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if r.random() < 0.5 else cv2.INTER_CUBIC
    return cv2.resize(small, (EDGE, EDGE), interpolation=how)


def covered(image, r):
    """A rectangle of one colour or of noise; at times the whole lower part, as a mask or scarf covers it."""
    height, width = r.integers(12, 40, 2)
    top, left = r.integers(0, EDGE - height), r.integers(0, EDGE - width)
    if r.random() < 0.3:
        top, left, height, width = int(r.integers(62, 80)), 0, EDGE, EDGE
    image = image.copy()
    patch = image[top:top + height, left:left + width]
    patch[:] = r.integers(0, 256, 3 if r.random() < 0.7 else patch.shape)
    return image


def packed(image, r):
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(r.integers(20, 80))])
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if done else image


DAMAGES = ((0.15, dark), (0.20, soft), (0.15, covered), (0.20, packed))


def view(crops, r):
    image = coloured(moved(crops[r.integers(len(crops))], r), r)
    if r.random() < 0.4:
        share = r.uniform(0.2, 0.8)
        image = cv2.addWeighted(image, share, coloured(moved(crops[r.integers(len(crops))], r), r), 1 - share, 0)
    for chance, damage in DAMAGES:
        if r.random() < chance:
            image = damage(image, r)
    return image


def shard(crops, teachers, turn, number, size):
    r = np.random.default_rng(number)
    views = np.stack([view(crops, r) for _ in range(size)])
    labels = {name: teacher.label(views) for name, teacher in teachers.items()}
    return views, unit(join(labels, TARGET) @ turn).astype(np.float16)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("crops", "models", "rotation", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, default=4096)
    arg = parser.parse_args()
    cv2.setNumThreads(1)
    os.makedirs(arg.out, exist_ok=True)
    crops, turn = np.load(arg.crops, mmap_mode="r"), np.load(arg.rotation)
    teachers = {name: Teacher(name, arg.models) for name, _ in TARGET}
    for number in range(arg.first, arg.first + arg.shards):
        base = os.path.join(arg.out, "%03d" % number)
        if os.path.exists(base + ".t.npy"):
            continue
        start = time.time()
        views, target = shard(crops, teachers, turn, number, arg.size)
        np.save(base + ".x.npy", views)
        np.save(base + ".t.tmp.npy", target)
        os.replace(base + ".t.tmp.npy", base + ".t.npy")
        print("%s: %d views, %.1f a second" % (base, arg.size, arg.size / (time.time() - start)), flush=True)
    for teacher in teachers.values():
        teacher.close()


if __name__ == "__main__":
    main()
