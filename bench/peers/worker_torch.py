# SPDX-License-Identifier: MIT
"""PyTorch in bench-peers: worker_torch.py FORM ARCH SIZE THREADS INPUT OUTPUT, where FORM is

    eager     pointwise layers as Linear over channels-last rows, as the original code has them
    frozen    everything as convolutions, traced and frozen
    channels  the same with channels_last memory
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

import models
import worker


class Norm(torch.nn.Module):
    """Layer norm over the channels of NCHW."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, models.EPS)
        return x.permute(0, 3, 1, 2)


class Convolution(torch.nn.Module):
    def __init__(self, weight, bias, stride=1, padding=0, groups=1):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
        self.stride, self.padding, self.groups = stride, padding, groups

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, 1, self.groups)


class Block(torch.nn.Module):
    def __init__(self, get, name, linear):
        super().__init__()
        dim = get(name + ".gamma").numel()
        self.linear = linear
        self.depthwise = Convolution(get(name + ".conv_dw.weight"), get(name + ".conv_dw.bias"), 1, 3, dim)
        self.norm = Norm(get(name + ".norm.weight"), get(name + ".norm.bias"))
        self.fc1 = Convolution(get(name + ".mlp.fc1.weight"), get(name + ".mlp.fc1.bias"))
        self.fc2 = Convolution(get(name + ".mlp.fc2.weight"), get(name + ".mlp.fc2.bias"))
        self.gamma = torch.nn.Parameter(get(name + ".gamma").reshape(1, -1, 1, 1))

    def forward(self, x):
        y = self.depthwise(x)
        if self.linear:
            y = F.layer_norm(y.permute(0, 2, 3, 1), self.norm.weight.shape, self.norm.weight, self.norm.bias,
                             models.EPS)
            y = F.gelu(F.linear(y, self.fc1.weight.flatten(1), self.fc1.bias))
            y = F.linear(y, self.fc2.weight.flatten(1), self.fc2.bias)
            return (y * self.gamma.flatten()).permute(0, 3, 1, 2) + x
        return self.fc2(F.gelu(self.fc1(self.norm(y)))) * self.gamma + x


def network(arch, linear):
    weights = models.random_weights(arch)
    get = lambda name: torch.from_numpy(weights[name])
    layers = [Convolution(get("stem.0.weight"), get("stem.0.bias"), 4),
              Norm(get("stem.1.weight"), get("stem.1.bias"))]
    for s, depth in enumerate(models.SIZES[arch][0]):
        if s > 0:
            down = f"stages.{s}.downsample."
            layers += [Norm(get(down + "0.weight"), get(down + "0.bias")),
                       Convolution(get(down + "1.weight"), get(down + "1.bias"), 2)]
        layers += [Block(get, f"stages.{s}.blocks.{b}", linear) for b in range(depth)]
    layers += [torch.nn.AdaptiveAvgPool2d(1), Norm(get("head.norm.weight"), get("head.norm.bias")),
               torch.nn.Flatten()]
    return torch.nn.Sequential(*layers).eval()


def main():
    form, arch, size, threads, source, target = sys.argv[1:]
    size = int(size)
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    x = torch.from_numpy(np.fromfile(source, np.float32).reshape(1, 3, size, size))
    model = network(arch, linear=form == "eager")
    if form == "channels":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if form != "eager":
        model = torch.jit.freeze(torch.jit.trace(model, x))
    for _ in range(3):
        output = model(x)
    output.numpy().astype(np.float32).tofile(target)
    worker.serve("torch-" + form, torch.__version__, lambda: model(x))


if __name__ == "__main__":
    main()
