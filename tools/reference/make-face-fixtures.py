#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes tests/fixtures/face/: crops that OpenCV aligns from a picture of triangle waves, which tests/face/test_face.c
makes as well. Needs python3-opencv and python3-numpy.

  align.png   the crops below each other
  align.txt   a line for each: width and height of the picture, ten coordinates of the points
"""
import os

import cv2
import numpy as np

TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                     [41.5493, 92.3655], [70.7299, 92.2041]])
# width, height, centre, size against the crop, angle in degrees: enlarged, shrunk a little, shrunk and turned, shrunk a
# lot, over the edge
CASES = [(200, 150, (90, 70), 0.4, 5), (320, 240, (160, 120), 1.7, -12), (640, 480, (300, 260), 3.3, 30),
         (1600, 1200, (800, 600), 9.1, -3), (640, 480, (40, 60), 2.9, 8)]


def triangle(t):
    return np.minimum(np.abs(t % 512 - 256), 255)


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([triangle(3 * x + y), triangle(7 * y - 2 * x + 4096), triangle(5 * x + 11 * y)],
                    -1).astype(np.uint8)


def similarity(src, dst):
    a, b = src - src.mean(0), dst - dst.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a / len(src))
    d = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = (s * d).sum() / (a ** 2).sum() * len(src)
    turn = scale * (u @ np.diag(d) @ vt)
    return np.hstack([turn, (dst.mean(0) - turn @ src.mean(0))[:, None]]), scale


def crop(image, matrix, scale):
    if scale < 0.5:
        factor = scale * 1.5
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        matrix = matrix.copy()
        matrix[:, :2] /= factor
    return cv2.warpAffine(image, matrix, (112, 112), flags=cv2.INTER_LINEAR, borderValue=0)


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/fixtures/face")
    os.makedirs(folder, exist_ok=True)
    random = np.random.default_rng(7)
    crops, lines = [], []
    for width, height, centre, size, angle in CASES:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        points = (TEMPLATE - 56) @ (size * np.array([[c, -s], [s, c]])).T + centre
        points = np.float32(points + random.normal(0, size, points.shape)).round(3)
        matrix, scale = similarity(points.astype(np.float64), TEMPLATE)
        crops.append(crop(picture(width, height), matrix, scale))
        lines.append("%d %d " % (width, height) + " ".join("%.3f" % v for v in points.ravel()))
    cv2.imwrite(os.path.join(folder, "align.png"), np.vstack(crops)[..., ::-1])
    with open(os.path.join(folder, "align.txt"), "w") as out:
        out.write("\n".join(lines) + "\n")


main()
