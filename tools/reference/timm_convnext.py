# SPDX-License-Identifier: MIT
"""timm's ConvNeXt (timm/models/convnext.py) and OpenCLIP's image tower around it (open_clip/timm_model.py)."""
import math

from torch import nn
from torch.nn.functional import gelu

import torch

from layers import LayerNorm, Outputs, RmsNorm, SimpleNorm, depthwise, pool, response_norm

NORMS = {"layernorm": LayerNorm, "rmsnorm": RmsNorm, "simplenorm": SimpleNorm}


def make_divisible(value, divisor=8):
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ResponseNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))


class Mlp(nn.Module):
    """fc1, GELU, GRN (V2), fc2. conv: the dense layers are kept as 1x1 convolutions."""

    def __init__(self, channels, conv, grn):
        super().__init__()
        dense = (lambda a, b: nn.Conv2d(a, b, 1)) if conv else nn.Linear
        self.conv = conv
        self.fc1 = dense(channels, 4 * channels)
        self.grn = ResponseNorm(4 * channels) if grn else None
        self.fc2 = dense(4 * channels, channels)

    def forward(self, x):
        x = gelu(self.fc1(x))
        if self.grn is not None:
            axes = (0, 2, 3, 1) if self.conv else (0, 1, 2, 3)
            back = (0, 3, 1, 2) if self.conv else (0, 1, 2, 3)
            x = response_norm(x.permute(axes), self.grn.weight, self.grn.bias).permute(back)
        return self.fc2(x)


class Block(nn.Module):
    def __init__(self, channels, norm, eps, conv_mlp, grn, layer_scale):
        super().__init__()
        self.conv_mlp = conv_mlp
        self.conv_dw = depthwise(channels)
        self.norm = norm(channels, eps, first=conv_mlp)
        self.mlp = Mlp(channels, conv_mlp, grn)
        self.gamma = nn.Parameter(torch.ones(channels)) if layer_scale else None

    def forward(self, x):
        y = self.conv_dw(x)
        if self.conv_mlp:
            y = self.mlp(self.norm(y))
        else:
            y = self.mlp(self.norm(y.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        if self.gamma is not None:
            y = y * self.gamma[:, None, None]
        return x + y


class Stage(nn.Module):
    def __init__(self, channels_in, channels, depth, first, norm, eps, **block):
        super().__init__()
        # timm keeps an Identity where there is nothing to do; it has no parameters.
        plain = first and channels_in == channels
        self.downsample = nn.Identity() if plain else nn.Sequential(
            norm(channels_in, eps, first=True), nn.Conv2d(channels_in, channels, 2, stride=2))
        self.blocks = nn.Sequential(*[Block(channels, norm, eps, **block) for _ in range(depth)])

    def forward(self, x):
        return self.blocks(self.downsample(x))


def make_stem(kind, channels, norm, eps):
    last = norm(channels, eps, first=True)
    if kind == "patch":
        return nn.Sequential(nn.Conv2d(3, channels, 4, stride=4), last)
    middle = make_divisible(channels // 2) if kind == "overlap_tiered" else channels
    act = [nn.GELU()] if kind == "overlap_act" else []
    return nn.Sequential(nn.Conv2d(3, middle, 3, stride=2, padding=1), *act,
                         nn.Conv2d(middle, channels, 3, stride=2, padding=1), last)


class Head(nn.Module):
    """pool, norm, [pre_logits: fc, GELU], fc. norm is None in head_norm_first models."""

    def __init__(self, channels, norm, hidden, classes):
        super().__init__()
        self.norm = norm
        self.pre_logits = nn.Sequential()
        if hidden:
            self.pre_logits.add_module("fc", nn.Linear(channels, hidden))
        self.fc = nn.Linear(hidden or channels, classes) if classes else None


class TimmConvNeXt(nn.Module):
    def __init__(self, depths, dims, stem="patch", norm="layernorm", eps=1e-6, conv_mlp=False, grn=False,
                 layer_scale=True, head_norm_first=False, head_norm=True, hidden=0, classes=0):
        super().__init__()
        kind = NORMS[norm]
        self.stem = make_stem(stem, dims[0], kind, eps)
        widths = [dims[0], *dims]
        self.stages = nn.Sequential(*[
            Stage(widths[i], dims[i], depths[i], i == 0, kind, eps, conv_mlp=conv_mlp, grn=grn,
                  layer_scale=layer_scale) for i in range(4)])
        self.norm_pre = kind(dims[3], eps, first=True) if head_norm_first else None
        # A checkpoint of masked pre-training has no head.norm: timm then keeps a fresh one, which only standardises.
        self.fresh_norm_eps = None if head_norm or head_norm_first else eps
        own = head_norm and not head_norm_first
        self.head = Head(dims[3], kind(dims[3], eps) if own else None, hidden, classes)

    def embeddings(self, last):
        pooled = pool(last)
        if self.norm_pre is not None:
            norm = pool(self.norm_pre(last))
        elif self.head.norm is not None:
            norm = self.head.norm(pooled)
        else:
            norm = LayerNorm(pooled.shape[1], self.fresh_norm_eps).to(pooled.dtype)(pooled)
        found = {"pooled": pooled, "norm": norm}
        if self.head.fc is not None:
            hidden = gelu(self.head.pre_logits(norm)) if len(self.head.pre_logits) else norm
            found["head"] = self.head.fc(hidden)
        return found

    def forward(self, x):
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return Outputs(maps, self.embeddings(maps[-1]))


class ProjectionMlp(nn.Module):
    def __init__(self, channels, dim):
        super().__init__()
        self.fc1 = nn.Linear(channels, 2 * dim)
        self.fc2 = nn.Linear(2 * dim, dim, bias=False)

    def forward(self, x):
        return self.fc2(gelu(self.fc1(x)))


class OpenClipVisual(nn.Module):
    """trunk: timm without a classifier; head: `proj` (linear without bias) or `mlp`."""

    def __init__(self, dim, projection, **trunk):
        super().__init__()
        self.trunk = TimmConvNeXt(**trunk)
        channels = trunk["dims"][3]
        self.head = nn.Sequential()
        if projection == "linear":
            self.head.add_module("proj", nn.Linear(channels, dim, bias=False))
        else:
            self.head.add_module("mlp", ProjectionMlp(channels, dim))


class OpenClip(nn.Module):
    """The image tower, beside enough of a text tower that a reader has something to leave out.
    own_text_module: newer models keep the text tower under `text.`, older ones at the top level."""

    def __init__(self, dim, projection, own_text_module, **trunk):
        super().__init__()
        self.visual = OpenClipVisual(dim, projection, **trunk)
        text = nn.Module()
        text.positional_embedding = nn.Parameter(torch.zeros(5, 8))
        text.text_projection = nn.Parameter(torch.zeros(8, dim))
        text.token_embedding = nn.Embedding(11, 8)
        text.transformer = nn.Module()
        text.transformer.resblocks = nn.Sequential(nn.Module())
        text.transformer.resblocks[0].attn = nn.MultiheadAttention(8, 2)
        text.ln_final = nn.LayerNorm(8)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        if own_text_module:
            self.text = text
        else:
            for name, part in [*text.named_children(), *text.named_parameters(recurse=False)]:
                setattr(self, name, part)

    def forward(self, x):
        outputs = self.visual.trunk(x)
        outputs.embeddings["head"] = self.visual.head(outputs.embeddings["norm"])
        return outputs
