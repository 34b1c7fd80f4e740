# SPDX-License-Identifier: MIT
"""The original repositories' ConvNeXt: facebookresearch/ConvNeXt (models/convnext.py), ConvNeXt-V2
(models/convnextv2.py) and dinov3 (dinov3/models/convnext.py)."""
import torch
from torch import nn
from torch.nn.functional import gelu

from layers import LayerNorm, Outputs, depthwise, pool, response_norm


class ResponseNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))


class Block(nn.Module):
    def __init__(self, channels, version):
        super().__init__()
        self.dwconv = depthwise(channels)
        self.norm = LayerNorm(channels)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.grn = ResponseNorm(4 * channels) if version == 2 else None
        self.gamma = nn.Parameter(torch.ones(channels)) if version == 1 else None

    def forward(self, x):
        y = gelu(self.pwconv1(self.norm(self.dwconv(x).permute(0, 2, 3, 1))))
        if self.grn is not None:
            y = response_norm(y, self.grn.gamma, self.grn.beta)
        y = self.pwconv2(y)
        if self.gamma is not None:
            y = self.gamma * y
        return x + y.permute(0, 3, 1, 2)


class FbConvNeXt(nn.Module):
    """dinov3: no classifier, and the final norm appears once more as norms.3."""

    def __init__(self, depths, dims, version, classes=0, dinov3=False):
        super().__init__()
        down = [nn.Sequential(nn.Conv2d(3, dims[0], 4, stride=4), LayerNorm(dims[0], first=True))]
        for i in range(3):
            down.append(nn.Sequential(LayerNorm(dims[i], first=True),
                                      nn.Conv2d(dims[i], dims[i + 1], 2, stride=2)))
        self.downsample_layers = nn.ModuleList(down)
        self.stages = nn.ModuleList(
            [nn.Sequential(*[Block(dims[i], version) for _ in range(depths[i])]) for i in range(4)])
        self.norm = LayerNorm(dims[3])
        self.head = nn.Linear(dims[3], classes) if classes else None
        if dinov3:
            self.norms = nn.ModuleList([nn.Identity(), nn.Identity(), nn.Identity(), self.norm])

    def forward(self, x):
        maps = []
        for down, stage in zip(self.downsample_layers, self.stages):
            x = down(x)
            if not maps:
                maps.append(x)
            x = stage(x)
            maps.append(x)
        pooled = pool(x)
        found = {"pooled": pooled, "norm": self.norm(pooled)}
        if self.head is not None:
            found["head"] = self.head(found["norm"])
        return Outputs(maps, found)
