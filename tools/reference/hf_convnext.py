# SPDX-License-Identifier: MIT
"""Hugging Face's ConvNext and ConvNextV2 (models/convnext, models/convnextv2) and DINOv3ConvNext
(models/dinov3_convnext)."""
import torch
from torch import nn
from torch.nn.functional import gelu

from layers import LayerNorm, Outputs, depthwise, pool, response_norm


class ResponseNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.bias = nn.Parameter(torch.zeros(1, 1, 1, channels))


class Layer(nn.Module):
    def __init__(self, channels, version):
        super().__init__()
        self.dwconv = depthwise(channels)
        self.layernorm = LayerNorm(channels)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.grn = ResponseNorm(4 * channels) if version == 2 else None
        self.layer_scale_parameter = nn.Parameter(torch.ones(channels)) if version == 1 else None

    def forward(self, x):
        y = gelu(self.pwconv1(self.layernorm(self.dwconv(x).permute(0, 2, 3, 1))))
        if self.grn is not None:
            y = response_norm(y, self.grn.weight, self.grn.bias)
        y = self.pwconv2(y)
        if self.layer_scale_parameter is not None:
            y = self.layer_scale_parameter * y
        return x + y.permute(0, 3, 1, 2)


class Stage(nn.Module):
    def __init__(self, channels_in, channels, depth, first, version):
        super().__init__()
        self.downsampling_layer = nn.Sequential() if first else nn.Sequential(
            LayerNorm(channels_in, first=True), nn.Conv2d(channels_in, channels, 2, stride=2))
        self.layers = nn.Sequential(*[Layer(channels, version) for _ in range(depth)])

    def forward(self, x):
        return self.layers(self.downsampling_layer(x))


class ConvNextModel(nn.Module):
    """eps is the configuration's layer_norm_eps: of the final norm alone, the inner ones have 1e-6."""

    def __init__(self, depths, dims, version, eps, patch=4):
        super().__init__()
        self.embeddings = nn.Module()
        self.embeddings.patch_embeddings = nn.Conv2d(3, dims[0], patch, stride=patch)
        self.embeddings.layernorm = LayerNorm(dims[0], first=True)
        self.encoder = nn.Module()
        widths = [dims[0], *dims]
        self.encoder.stages = nn.ModuleList(
            [Stage(widths[i], dims[i], depths[i], i == 0, version) for i in range(4)])
        self.layernorm = LayerNorm(dims[3], eps)

    def forward(self, x):
        maps = [self.embeddings.layernorm(self.embeddings.patch_embeddings(x))]
        for stage in self.encoder.stages:
            maps.append(stage(maps[-1]))
        pooled = pool(maps[-1])
        return Outputs(maps, {"pooled": pooled, "norm": self.layernorm(pooled)})


class ConvNextForImageClassification(nn.Module):
    def __init__(self, prefix, classes, dims, **model):
        super().__init__()
        self.prefix = prefix
        setattr(self, prefix, ConvNextModel(dims=dims, **model))
        self.classifier = nn.Linear(dims[3], classes)

    def forward(self, x):
        outputs = getattr(self, self.prefix)(x)
        outputs.embeddings["head"] = self.classifier(outputs.embeddings["norm"])
        return outputs


class Dinov3Layer(nn.Module):
    def __init__(self, channels, eps):
        super().__init__()
        self.depthwise_conv = depthwise(channels)
        self.layer_norm = LayerNorm(channels, eps)
        self.pointwise_conv1 = nn.Linear(channels, 4 * channels)
        self.pointwise_conv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        y = self.layer_norm(self.depthwise_conv(x).permute(0, 2, 3, 1))
        y = self.pointwise_conv2(gelu(self.pointwise_conv1(y)))
        return x + (self.gamma * y).permute(0, 3, 1, 2)


class Dinov3Stage(nn.Module):
    def __init__(self, channels_in, channels, depth, first, eps):
        super().__init__()
        if first:
            down = [nn.Conv2d(3, channels, 4, stride=4), LayerNorm(channels, eps, first=True)]
        else:
            down = [LayerNorm(channels_in, eps, first=True), nn.Conv2d(channels_in, channels, 2, stride=2)]
        self.downsample_layers = nn.ModuleList(down)
        self.layers = nn.ModuleList([Dinov3Layer(channels, eps) for _ in range(depth)])


class Dinov3ConvNextModel(nn.Module):
    """eps is of every norm. The stem belongs to the first stage here; its map is noted all the same."""

    def __init__(self, depths, dims, eps=1e-6):
        super().__init__()
        widths = [3, *dims]
        self.stages = nn.ModuleList(
            [Dinov3Stage(widths[i], dims[i], depths[i], i == 0, eps) for i in range(4)])
        self.layer_norm = LayerNorm(dims[3], eps)

    def forward(self, x):
        maps = []
        for stage in self.stages:
            for part in stage.downsample_layers:
                x = part(x)
            if not maps:
                maps.append(x)
            for part in stage.layers:
                x = part(x)
            maps.append(x)
        # The model puts the pooled vector in front of the pixels as a token and norms them all alike.
        tokens = torch.cat([pool(x)[:, None], x.flatten(2).transpose(1, 2)], 1)
        return Outputs(maps, {"pooled": tokens[:, 0], "norm": self.layer_norm(tokens)[:, 0]})
