# SPDX-License-Identifier: MIT
"""torchvision's ConvNeXt (torchvision/models/convnext.py)."""
import torch
from torch import nn

from layers import LayerNorm, Outputs, depthwise, pool


class Permute(nn.Module):
    def __init__(self, *axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.permute(self.axes)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = nn.Sequential(
            depthwise(channels), Permute(0, 2, 3, 1), LayerNorm(channels), nn.Linear(channels, 4 * channels),
            nn.GELU(), nn.Linear(4 * channels, channels), Permute(0, 3, 1, 2))
        self.layer_scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class TorchvisionConvNeXt(nn.Module):
    def __init__(self, depths, dims, classes):
        super().__init__()
        parts = [nn.Sequential(nn.Conv2d(3, dims[0], 4, stride=4), LayerNorm(dims[0], first=True))]
        for i in range(4):
            if i > 0:
                parts.append(nn.Sequential(LayerNorm(dims[i - 1], first=True),
                                           nn.Conv2d(dims[i - 1], dims[i], 2, stride=2)))
            parts.append(nn.Sequential(*[Block(dims[i]) for _ in range(depths[i])]))
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(LayerNorm(dims[3]), nn.Flatten(1), nn.Linear(dims[3], classes))

    def forward(self, x):
        maps = []
        for i, part in enumerate(self.features):
            x = part(x)
            if i % 2 == 1 or i == 0:
                maps.append(x)
        pooled = pool(x)
        norm = self.classifier[0](pooled)
        return Outputs(maps, {"pooled": pooled, "norm": norm, "head": self.classifier[2](norm)})
