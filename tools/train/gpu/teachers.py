# SPDX-License-Identifier: MIT
"""The teachers as one network: crops in, joined unit embeddings out.

A folder holds teachers.json and the files that it names:
  {"teachers": [{"file": "a.onnx", "mean": [127, 127, 127], "std": [128, 128, 128], "bgr": true, "weight": 1.0}, ...],
   "rotation": "rotation.npy"}
mean and std are of RGB values 0 .. 255. "columns": [8, 104] takes these columns of a crop, "size": 128 stretches what
is left to 128 x 128. Each teacher's embedding is the sum of the unit embeddings of a crop and its
mirror image, at unit length; these are weighted, joined, multiplied by the rotation (needed where that is not 512
numbers) and normalised.
"""
import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from onnx_torch import OnnxNetwork


class Teacher(nn.Module):
    def __init__(self, folder, description):
        super().__init__()
        self.network = OnnxNetwork(folder / description["file"])
        self.is_bgr = description.get("bgr", False)
        self.weight = description.get("weight", 1.0)
        self.columns = slice(*description.get("columns", (None,)))
        self.size = description.get("size")
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(description[name], dtype=torch.float32).reshape(1, 3, 1, 1))

    def input_of(self, crops):
        """crops: f32 RGB 0 .. 255, NCHW, 112 x 112."""
        x = crops[..., self.columns]
        if self.size:
            x = F.interpolate(x, size=(self.size, self.size), mode="bilinear", align_corners=False)
        x = (x - self.mean) / self.std
        return x.flip(1) if self.is_bgr else x

    def embed(self, crops):
        return F.normalize(self.network(self.input_of(crops)).float().flatten(1))

    def forward(self, crops):
        return F.normalize(self.embed(crops) + self.embed(crops.flip(3)))


class Teachers(nn.Module):
    def __init__(self, folder):
        super().__init__()
        folder = pathlib.Path(folder)
        description = json.loads((folder / "teachers.json").read_text())
        self.parts = nn.ModuleList(Teacher(folder, d) for d in description["teachers"])
        rotation = description.get("rotation")
        self.register_buffer("rotation", torch.from_numpy(np.load(folder / rotation)).float() if rotation else None)

    @torch.no_grad()
    def forward(self, crops):
        joined = torch.cat([t.weight * t(crops) for t in self.parts], 1)
        joined = joined if self.rotation is None else joined @ self.rotation
        if joined.shape[1] != 512:
            raise ValueError(f"the teachers give {joined.shape[1]} numbers, the student 512: a rotation is missing")
        return F.normalize(joined)
