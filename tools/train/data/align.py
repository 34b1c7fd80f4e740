#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Finds the main face of every picture below a folder and turns it to the 112x112 template.

  align.py --root DIR --part NAME --out PARTS --yunet MODEL.onnx [--people none|parent|list:FILE] [--keep-all]

Writes PARTS/NAME.npy, uint8 [n][112][112][3] RGB, and PARTS/NAME.jsonl, one line a crop:
  {"source", "name", "ident", "score", "px": edge of the crop in pixels of the picture, "gray"}
--people parent: the folder a picture lies in is the person; list:FILE: lines "file person". Pictures without a face
and those whose crop spans less than --least pixels are left out; --keep-all keeps them by their middle, for a test
set that must stay whole.
"""
import argparse
import json
import os
import re
from multiprocessing import Pool

import cv2
import numpy as np

from yunet import YuNet

EDGE = 112
# Eyes, nose and mouth corners in the crop: the template that face networks since SphereFace and ArcFace share.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                     [41.5493, 92.3655], [70.7299, 92.2041]])
PICTURE = re.compile(r"\.(jpe?g|png|pgm|ppm|bmp|webp|gif|tiff?)$", re.I)
detector = None  # of this process


def similarity(points, template):
    """The 2x3 matrix that turns, scales and moves points to the template with the least squares, and its scale.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    a, b = points - points.mean(0), template - template.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = (s * sign).sum() / (a**2).sum() * len(a)
    turn = scale * u @ np.diag(sign) @ vt
    return np.hstack([turn, (template.mean(0) - turn @ points.mean(0))[:, None]]), scale


def crop(picture, matrix, scale):
    """The crop; a picture to be shrunk much is first shrunk by areas: the bilinear warp alone would alias."""
    if scale < 0.5:
        first = scale * 1.5
        picture = cv2.resize(picture, None, fx=first, fy=first, interpolation=cv2.INTER_AREA)
        matrix = matrix / [first, first, 1]
    return cv2.warpAffine(picture, matrix, (EDGE, EDGE), flags=cv2.INTER_LINEAR)


def main_face(faces, shape):
    """The largest face, less so the farther it is from the middle."""
    height, width = shape[:2]

    def weight(face):
        _, x, y, w, h, _ = face
        away = np.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2) / np.hypot(width, height)
        return w * h * (1 - away)**2

    return max(faces, key=weight)


def find(picture):
    """Score and points of the main face, or None. The second try shrinks and pads: faces that fill the picture."""
    side = max(picture.shape[:2])
    scale = 640 / side if side > 640 else 2.0 if side < 160 else 1.0
    for f, pad in ((scale, 0), (scale * (0.6 if side >= 160 else 0.75), int(0.3 * side))):
        view = cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_CONSTANT) if pad else picture
        if f != 1:
            view = cv2.resize(view, None, fx=f, fy=f, interpolation=cv2.INTER_AREA if f < 1 else cv2.INTER_LINEAR)
        faces = detector(view)
        if faces:
            face = main_face(faces, view.shape)
            return face[0], face[5] / f - pad
    return None


def middle(shape):
    """The transform of a picture without a face: its middle, half as wide as the shorter side."""
    height, width = shape[:2]
    side = min(height, width) / 2
    scale = EDGE / side
    return np.array([[scale, 0, -scale * (width - side) / 2], [0, scale, -scale * (height - side) / 2]]), scale


def is_gray(rgb):
    wide = rgb.astype(np.int16)
    return bool(np.abs(np.diff(wide, axis=2)).mean(axis=(0, 1)).sum() < 2)


def start(model):
    global detector
    cv2.setNumThreads(1)
    detector = YuNet(model)


def one(job):
    """(path, crop, its facts), or (path, None, why not)."""
    path, least, keep_all = job
    picture = cv2.imread(path, cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < 24 or max(picture.shape[:2]) > 8000:
        return path, None, "unreadable"
    face = find(picture)
    if face is None and not keep_all:
        return path, None, "no face"
    matrix, scale = similarity(face[1].astype(np.float64), TEMPLATE) if face else middle(picture.shape)
    if EDGE / scale < least and not keep_all:
        return path, None, "small"
    rgb = cv2.cvtColor(crop(picture, matrix, scale), cv2.COLOR_BGR2RGB)
    facts = {"score": round(face[0], 3) if face else 0.0, "px": round(EDGE / scale, 1), "gray": is_gray(rgb)}
    return path, rgb, facts


def namer(people, part):
    """The function path -> person or None."""
    if people == "parent":
        return lambda path: part + "/" + os.path.basename(os.path.dirname(path))
    known = {}
    if people.startswith("list:"):
        with open(people[5:], encoding="utf-8") as lines:
            known = dict(line.split() for line in lines if len(line.split()) == 2)
    return lambda path: part + "/" + known[os.path.basename(path)] if os.path.basename(path) in known else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("root", "part", "out", "yunet"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--people", default="none")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--least", type=float, default=50)
    parser.add_argument("--keep-all", action="store_true")
    arg = parser.parse_args()
    person = namer(arg.people, arg.part)
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(arg.root) for f in names if PICTURE.search(f))
    os.makedirs(arg.out, exist_ok=True)
    crops, lines, left = [], [], {}
    with Pool(arg.processes, start, (arg.yunet,)) as pool:
        for path, rgb, facts in pool.imap(one, ((f, arg.least, arg.keep_all) for f in files), chunksize=16):
            if rgb is None:
                left[facts] = left.get(facts, 0) + 1
                continue
            crops.append(rgb)
            name = os.path.relpath(path, arg.root)
            lines.append(json.dumps({"source": arg.part, "name": name, "ident": person(path), **facts}) + "\n")
    np.save(os.path.join(arg.out, arg.part + ".npy"), np.array(crops, np.uint8).reshape(-1, EDGE, EDGE, 3))
    with open(os.path.join(arg.out, arg.part + ".jsonl"), "w", encoding="utf-8") as out:
        out.writelines(lines)
    print("%s: %d pictures, %d crops, left out: %s" % (arg.part, len(files), len(crops), left or "none"))


if __name__ == "__main__":
    main()
