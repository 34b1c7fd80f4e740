# SPDX-License-Identifier: MIT
"""Runs an ONNX graph in PyTorch: the operators that recognition networks are made of, for any batch size."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import onnx_file


def ints(tensor):
    return [int(x) for x in tensor.reshape(-1).tolist()]


def padded(x, pads, value=0.0):
    """ONNX lists all beginnings, then all ends; PyTorch's pad takes the last axis first. None where there is none."""
    half = len(pads) // 2
    if not any(pads):
        return x
    order = [p for axis in reversed(range(half)) for p in (pads[axis], pads[axis + half])]
    return F.pad(x, order, value=value)


def conv(x, weight, bias=None, *, attributes):
    pads = attributes.get("pads", [0, 0, 0, 0])
    stride, dilation = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    if pads[:2] == pads[2:]:
        return F.conv2d(x, weight, bias, stride, pads[:2], dilation, attributes.get("group", 1))
    return F.conv2d(padded(x, pads), weight, bias, stride, 0, dilation, attributes.get("group", 1))


def pad(x, pads=None, value=None, axes=None, *, attributes):
    if attributes.get("mode", "constant") != "constant" or axes is not None:
        raise ValueError("Pad: only constant padding of all axes is known here")
    pads = attributes["pads"] if pads is None else ints(pads)
    return padded(x, pads, attributes.get("value", 0.0) if value is None else float(value))


def prelu(x, slope):
    return torch.where(x >= 0, x, x * (slope if slope.ndim != 1 else slope.reshape(-1, *[1] * (x.ndim - 2))))


def clip(x, low=None, high=None, *, attributes):
    low = attributes.get("min") if low is None else low
    high = attributes.get("max") if high is None else high
    x = x if low is None else torch.maximum(x, torch.as_tensor(low, dtype=x.dtype, device=x.device))
    return x if high is None else torch.minimum(x, torch.as_tensor(high, dtype=x.dtype, device=x.device))


def reshape(x, shape):
    """A first axis of 1 that was baked in at export stands for the batch."""
    sizes = [x.shape[i] if s == 0 else s for i, s in enumerate(ints(shape))]
    if sizes[0] == 1 and x.shape[0] != 1:
        sizes[0] = x.shape[0]
    return x.reshape(sizes)


def gemm(a, b, c=None, *, attributes):
    a = a.T if attributes.get("transA") else a
    b = b.T if attributes.get("transB") else b
    y = attributes.get("alpha", 1.0) * (a @ b)
    return y if c is None else y + attributes.get("beta", 1.0) * c


def batch_norm(x, scale, bias, mean, variance, *, attributes):
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, attributes.get("epsilon", 1e-5))


def pool(x, attributes, is_max):
    kernel, stride = attributes["kernel_shape"], attributes.get("strides", [1, 1])
    pads = attributes.get("pads", [0, 0, 0, 0])
    if is_max:
        return F.max_pool2d(padded(x, pads, -torch.inf), kernel, stride, ceil_mode=bool(attributes.get("ceil_mode")))
    counts = bool(attributes.get("count_include_pad"))
    return F.avg_pool2d(x, kernel, stride, pads[:2], bool(attributes.get("ceil_mode")), counts)


def reduce_mean(x, axes=None, *, attributes):
    axes = attributes.get("axes") if axes is None else ints(axes)
    return x.mean(tuple(axes), keepdim=bool(attributes.get("keepdims", 1)))


def squeeze_axes(x, axes, attributes):
    return attributes.get("axes") if axes is None else ints(axes)


def unsqueeze(x, axes=None, *, attributes):
    for axis in sorted(squeeze_axes(x, axes, attributes)):
        x = x.unsqueeze(axis)
    return x


def squeeze(x, axes=None, *, attributes):
    for axis in sorted(squeeze_axes(x, axes, attributes), reverse=True):
        x = x.squeeze(axis)
    return x


# Operators without attributes that matter; the others get theirs.
PLAIN = {
    "PRelu": prelu, "Relu": torch.relu, "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div,
    "Reshape": reshape, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Identity": lambda x: x,
    "Dropout": lambda x, *unused: x, "MatMul": torch.matmul, "Sqrt": torch.sqrt, "Exp": torch.exp, "Neg": torch.neg,
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True), "Erf": torch.erf,
    "Pow": lambda x, y: x ** y, "HardSwish": F.hardswish,
}
WITH_ATTRIBUTES = {
    "Conv": conv, "Clip": clip, "Gemm": gemm, "BatchNormalization": batch_norm, "ReduceMean": reduce_mean,
    "Unsqueeze": unsqueeze, "Squeeze": squeeze, "Pad": pad,
    "MaxPool": lambda x, *, attributes: pool(x, attributes, True),
    "AveragePool": lambda x, *, attributes: pool(x, attributes, False),
    "Flatten": lambda x, *, attributes: x.flatten(attributes.get("axis", 1)),
    "Concat": lambda *xs, attributes: torch.cat(xs, attributes["axis"]),
    "Transpose": lambda x, *, attributes: x.permute(attributes["perm"]),
    "LeakyRelu": lambda x, *, attributes: F.leaky_relu(x, attributes.get("alpha", 0.01)),
    "HardSigmoid": lambda x, *, attributes: (x * attributes.get("alpha", 0.2) + attributes.get("beta", 0.5)).clamp(0, 1),
    "ReduceL2": lambda x, *, attributes: x.norm(dim=attributes["axes"], keepdim=bool(attributes.get("keepdims", 1))),
}


class OnnxNetwork(nn.Module):
    """One input, the first output."""

    def __init__(self, path):
        super().__init__()
        self.graph = onnx_file.read(path)
        unknown = {n.op for n in self.graph.nodes} - set(PLAIN) - set(WITH_ATTRIBUTES) - {"Constant"}
        if unknown:
            raise ValueError(f"{path}: operators that are not known here: {sorted(unknown)}")
        arrays = dict(self.graph.weights)
        arrays.update({n.outputs[0]: n.attributes["value"] for n in self.graph.nodes if n.op == "Constant"})
        self.constants = {}  # shapes and axes stay on the CPU: reading them must not wait for the GPU
        self.names = {}
        for i, (name, array) in enumerate(arrays.items()):
            tensor = torch.from_numpy(np.array(array))
            if tensor.is_floating_point():
                tensor[tensor.abs() < 1e-35] = 0  # denormal weights make CPUs crawl
                self.register_buffer(f"w{i}", tensor)
                self.names[name] = f"w{i}"
            else:
                self.constants[name] = tensor
        self.last_use = {}
        for i, n in enumerate(self.graph.nodes):
            self.last_use.update({name: i for name in n.inputs})

    def forward(self, x):
        values = {self.graph.inputs[0]: x, "": None}
        values.update(self.constants)
        values.update({name: getattr(self, w) for name, w in self.names.items()})
        for i, n in enumerate(self.graph.nodes):
            if n.op == "Constant":
                continue
            inputs = [values[name] for name in n.inputs]
            if n.op in PLAIN:
                values[n.outputs[0]] = PLAIN[n.op](*inputs)
            else:
                values[n.outputs[0]] = WITH_ATTRIBUTES[n.op](*inputs, attributes=n.attributes)
            for name in n.inputs:
                if self.last_use[name] == i and name not in self.graph.outputs:
                    values.pop(name, None)
        return values[self.graph.outputs[0]]
