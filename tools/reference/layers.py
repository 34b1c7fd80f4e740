# SPDX-License-Identifier: MIT
"""Layers that the ConvNeXt families share, in plain PyTorch.

Every norm works over the channels of one pixel. `first` says where the channels lie: axis 1 (NCHW maps) or
the last axis (NHWC maps and pooled vectors).
"""
import torch
from torch import nn


class ChannelNorm(nn.Module):
    """Base of the norms: moves the channels to the end where they are not there already."""

    def __init__(self, channels, eps, first):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps
        self.first = first

    def rows(self, x):
        raise NotImplementedError

    def forward(self, x):
        if self.first and x.dim() == 4:
            return self.rows(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.rows(x)


class LayerNorm(ChannelNorm):
    def __init__(self, channels, eps=1e-6, first=False):
        super().__init__(channels, eps, first)
        self.bias = nn.Parameter(torch.zeros(channels))

    def rows(self, x):
        centred = x - x.mean(-1, keepdim=True)
        variance = centred.square().mean(-1, keepdim=True)
        return centred / torch.sqrt(variance + self.eps) * self.weight + self.bias


class RmsNorm(ChannelNorm):
    def __init__(self, channels, eps=1e-6, first=False):
        super().__init__(channels, eps, first)

    def rows(self, x):
        return x / torch.sqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


class SimpleNorm(ChannelNorm):
    """timm's: divides by the deviation about the mean (N - 1 in the denominator), yet takes no mean away."""

    def __init__(self, channels, eps=1e-6, first=False):
        super().__init__(channels, eps, first)

    def rows(self, x):
        return x / torch.sqrt(x.var(-1, unbiased=True, keepdim=True) + self.eps) * self.weight


def response_norm(x, weight, bias):
    """Global response normalisation of an NHWC map (arXiv 2301.00808, section 3)."""
    norm = x.square().sum((1, 2), keepdim=True).sqrt()
    ratio = norm / (norm.mean(-1, keepdim=True) + 1e-6)
    return x + weight * (x * ratio) + bias


def depthwise(channels):
    return nn.Conv2d(channels, channels, 7, padding=3, groups=channels)


class Outputs:
    """What a forward pass gives: the stem's map and the four stages' maps (NCHW), and each kind of embedding."""

    def __init__(self, maps, embeddings):
        assert len(maps) == 5
        self.maps = maps
        self.embeddings = embeddings  # {"pooled": [C], "norm": [C], "head": [D]}; a family may lack some


def pool(x):
    return x.mean((2, 3))
