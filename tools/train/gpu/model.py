# SPDX-License-Identifier: MIT
"""The student: ConvNeXt-atto under torchvision's names, fast on a GPU; and its safetensors files."""
import json
import pathlib
import struct
import sys

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "reference"))
import safetensors_file  # noqa: E402

DIMS, DEPTHS, EMBEDDING = (40, 80, 160, 320), (2, 2, 6, 2), 512


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of NCHW maps, which lie channels-last in memory."""

    def __init__(self, channels):
        super().__init__(channels, eps=1e-6)

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, *axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.permute(*self.axes)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), 0.1))
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels), Permute(0, 2, 3, 1),
            nn.LayerNorm(channels, eps=1e-6), nn.Linear(channels, 4 * channels), nn.GELU(),
            nn.Linear(4 * channels, channels), Permute(0, 3, 1, 2))

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        stages = [nn.Sequential(nn.Conv2d(3, DIMS[0], 4, 4), ChannelNorm(DIMS[0]))]
        for i, (dim, depth) in enumerate(zip(DIMS, DEPTHS)):
            if i:
                stages.append(nn.Sequential(ChannelNorm(DIMS[i - 1]), nn.Conv2d(DIMS[i - 1], dim, 2, 2)))
            stages.append(nn.Sequential(*[Block(dim) for _ in range(depth)]))
        self.features = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.LayerNorm(DIMS[-1], eps=1e-6), nn.Flatten(1), nn.Linear(DIMS[-1], EMBEDDING))

    def forward(self, pictures):
        """pictures: -1 .. 1, NCHW. Embeddings before normalising."""
        return self.classifier(self.features(pictures).mean((2, 3)))


def start_fresh(model):
    for m in model.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            deviation = m.weight[0].numel() ** -0.5
            nn.init.trunc_normal_(m.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            nn.init.zeros_(m.bias)


def load(path):
    raw = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = torch.frombuffer(bytearray(raw[8 + size + begin:8 + size + end]), dtype=torch.float32)
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def save(path, tensors):
    temporary = pathlib.Path(f"{path}.tmp")
    safetensors_file.write(temporary, {n: t.float().cpu() for n, t in tensors.items()}, {"format": "pt"})
    temporary.replace(path)


def embed(model, crops, size=112, batch=1024):
    """Unit embeddings of u8 crops [n,3,112,112], on their device."""
    out = []
    for part in crops.split(batch):
        x = F.interpolate(part.float(), size=(size, size), mode="area") if size != 112 else part.float()
        out.append(F.normalize(model(x / 127.5 - 1).float()))
    return torch.cat(out)
