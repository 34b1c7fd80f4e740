#!/usr/bin/python3
"""Labels pictures with YuNet and packs them small, for the detector's training and validation.

  label.py --yunet MODEL.onnx --scripts DIR --list LIST --out CACHE [--part K --parts N] [--side 352]

LIST: one picture a line, "split<TAB>source<TAB>path" (see lists.py). --scripts is the folder with yunet.py and
ort.py. Writes CACHE/K.bin, RGB pixels one picture after the other, and CACHE/K.jsonl, one line a picture:
  {"split", "source", "path", "width", "height", "at", "scale", "faces": [[score, x, y, w, h, 10 numbers], ...]}
Boxes and points are in pixels of the packed picture, whose longer side is at most --side; scale tells how many of its
pixels one pixel of the file is. Faces that YuNet gives between 0.3 and 0.6 are in the list too: the training and
the measuring leave them out of both right and wrong.
"""
import argparse
import json
import os
import sys

import cv2
import numpy as np


def suppress(faces, limit=0.4):
    """Keeps the best of faces that overlap; those found at two scales are one."""
    kept = []
    for f in sorted(faces, key=lambda f: -f[0]):
        for k in kept:
            w = min(f[1] + f[3], k[1] + k[3]) - max(f[1], k[1])
            h = min(f[2] + f[4], k[2] + k[4]) - max(f[2], k[2])
            if w > 0 and h > 0 and w * h > limit * min(f[3] * f[4], k[3] * k[4]):
                break
        else:
            kept.append(f)
    return kept


def detect(net, picture):
    """All faces at the picture's size up to 640, and once more shrunk and with a border, for very large ones."""
    faces = []
    side = max(picture.shape[:2])
    for scale, pad in ((min(1.0, 640 / side), 0), (min(1.0, 640 / side) * 0.45, 0.25)):
        border = int(pad * side)
        image = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT) if border else picture
        if scale != 1.0:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for score, x, y, w, h, points in net(image):
            faces.append([score, x / scale - border, y / scale - border, w / scale, h / scale]
                         + [float(v) / scale - border for v in np.ravel(points)])
    return suppress(faces)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("yunet", "scripts", "list", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--part", type=int, default=0)
    ap.add_argument("--parts", type=int, default=1)
    ap.add_argument("--side", type=int, default=352)
    arg = ap.parse_args()
    sys.path.insert(0, arg.scripts)
    from yunet import YuNet
    cv2.setNumThreads(1)
    net = YuNet(arg.yunet, score=0.3)
    os.makedirs(arg.out, exist_ok=True)
    pixels = open(os.path.join(arg.out, "%d.bin" % arg.part), "wb")
    lines = open(os.path.join(arg.out, "%d.jsonl" % arg.part), "w")
    at = 0
    for number, line in enumerate(open(arg.list)):
        if number % arg.parts != arg.part:
            continue
        split, source, path = line.rstrip("\n").split("\t")
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        if picture is None or min(picture.shape[:2]) < 48 or max(picture.shape[:2]) > 8000:
            continue
        faces = detect(net, picture)
        scale = min(1.0, arg.side / max(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
        height, width = small.shape[:2]
        fx, fy = width / picture.shape[1], height / picture.shape[0]
        rows = []
        for f in faces:
            p = np.array(f[5:]).reshape(5, 2) * (fx, fy)
            rows.append([round(float(v), 3) for v in [f[0], f[1] * fx, f[2] * fy, f[3] * fx, f[4] * fy] + p.ravel().tolist()])
        pixels.write(np.ascontiguousarray(small[..., ::-1]).tobytes())
        pixels.flush()
        lines.write(json.dumps(dict(split=split, source=source, path=path, width=width, height=height, at=at,
                                    scale=round(scale, 5), faces=rows)) + "\n")
        lines.flush()
        at += small.size


if __name__ == "__main__":
    main()
