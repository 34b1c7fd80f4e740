# SPDX-License-Identifier: MIT
"""The networks whose embeddings are the training targets, and how their outputs are joined.

A network is an ONNX file with one input [1][3][height][width] and one output of `dim` values.
"""
import os

import cv2
import numpy as np

from ort import Ort
from verification import unit


class Teacher:
    """label(crops) gives one unit row for each 112x112 RGB crop; with flip the mean of a crop's and its mirror's."""

    def __init__(self, name, models, threads=1):
        self.file, self.dim, self.mean, self.std, self.bgr, self.columns, self.edge = NETWORKS[name]
        self.net = Ort(os.path.join(models, self.file), threads)

    def _input(self, image):
        image = np.ascontiguousarray(image[:, self.columns])
        if image.shape[:2] != (self.edge, self.edge):
            image = cv2.resize(image, (self.edge, self.edge), interpolation=cv2.INTER_LINEAR)
        values = (image.astype(np.float32) - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return (values[..., ::-1] if self.bgr else values).transpose(2, 0, 1)[None]

    def _rows(self, crops):  # a batch of more than one is slower: it no longer fits the cache
        return unit(np.stack([self.net(self._input(c))[0].reshape(-1) for c in crops]))

    def label(self, crops, flip=False):
        rows = self._rows(crops)
        return unit(rows + self._rows(crops[:, :, ::-1])) if flip else rows

    def close(self):
        self.net.close()


ALL = slice(0, 112)
# name: file, outputs, mean and deviation of R, G, B, BGR order, columns of the crop, edge of the input.
# The template of openvino's network is ours without 8 columns at each side, stretched to a square; its scaling is
# part of the network.
NETWORKS = {
    "openvino": ("face-reidentification-retail-0095.onnx", 256, [0] * 3, [1] * 3, True, slice(8, 104), 128),
    "faceplugin": ("fr_feature.onnx", 512, [127] * 3, [128] * 3, True, ALL, 112),
    "foamliu": ("MobileFaceNet.onnx", 128, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375], False, ALL, 112),
}
# What the student learns, and what the cleaning compares pictures by (its limits were set with these two).
TARGET = (("openvino", 1.71), ("faceplugin", 1.0), ("foamliu", 0.7))
CLEANING = (("faceplugin", 1.0), ("foamliu", 0.7))


def join(labels, mix):
    """Unit rows whose products are the weighted means of the teachers' cosines. labels: name -> rows."""
    weights = [w for _, w in mix]
    return np.concatenate([w * unit(labels[n]) for n, w in mix], 1) / np.sqrt(np.square(weights).sum())


def rotation(rows, dim=512):
    """The matrix that turns rows to their `dim` leading directions, and the share of their energy that these keep."""
    values, vectors = np.linalg.eigh((rows.T @ rows / len(rows)).astype(np.float64))
    return vectors[:, ::-1][:, :dim].astype(np.float32), float(values[::-1][:dim].sum() / values.sum())


def nearest_turn(rows, like):
    """The orthogonal matrix that turns rows nearest to `like` (Schoenemann, "A generalized solution of the orthogonal
    Procrustes problem", 1966). Cosines among the rows stay as they are."""
    u, _, vt = np.linalg.svd(rows.T.astype(np.float64) @ like)
    return (u @ vt).astype(np.float32)
