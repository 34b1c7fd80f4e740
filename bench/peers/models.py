# SPDX-License-Identifier: MIT
"""One ConvNeXt with random weights for every runtime: as a dictionary of arrays with timm's names, as a
safetensors file, as ONNX. Run as a program it writes NAME.safetensors, NAME.onnx and NAME.basic.onnx:

    models.py ARCH SIZE FOLDER

The inputs and outputs of all forms are the same: [1, 3, size, size] -> pooled and normalised features."""
import json
import os
import struct
import sys

import numpy as np

from onnx_writer import Graph

SIZES = {
    "atto": ((2, 2, 6, 2), (40, 80, 160, 320)),
    "femto": ((2, 2, 6, 2), (48, 96, 192, 384)),
    "pico": ((2, 2, 6, 2), (64, 128, 256, 512)),
    "nano": ((2, 2, 8, 2), (80, 160, 320, 640)),
    "tiny": ((3, 3, 9, 3), (96, 192, 384, 768)),
}
EPS = 1e-6


def random_weights(arch):
    """name -> float32 array, the same in every call. Matrices keep the variance of what they are fed."""
    random = np.random.default_rng(1)
    depths, dims = SIZES[arch]
    weights = {}

    def matrix(name, *shape):
        bound = (3.0 / np.prod(shape[1:])) ** 0.5
        weights[name + ".weight"] = random.uniform(-bound, bound, shape).astype(np.float32)
        weights[name + ".bias"] = random.uniform(-0.1, 0.1, shape[0]).astype(np.float32)

    def norm(name, channels):
        weights[name + ".weight"] = random.uniform(0.8, 1.2, channels).astype(np.float32)
        weights[name + ".bias"] = random.uniform(-0.1, 0.1, channels).astype(np.float32)

    matrix("stem.0", dims[0], 3, 4, 4)
    norm("stem.1", dims[0])
    for s, (depth, dim) in enumerate(zip(depths, dims)):
        if s > 0:
            norm(f"stages.{s}.downsample.0", dims[s - 1])
            matrix(f"stages.{s}.downsample.1", dim, dims[s - 1], 2, 2)
        for b in range(depth):
            block = f"stages.{s}.blocks.{b}"
            matrix(f"{block}.conv_dw", dim, 1, 7, 7)
            norm(f"{block}.norm", dim)
            matrix(f"{block}.mlp.fc1", 4 * dim, dim, 1, 1)
            matrix(f"{block}.mlp.fc2", dim, 4 * dim, 1, 1)
            weights[f"{block}.gamma"] = random.uniform(0.05, 0.15, dim).astype(np.float32)
    norm("head.norm", dims[3])
    return weights


def make_input(size):
    """The input of bench/arm/input.h."""
    count = 3 * size * size
    values = np.empty(count, dtype=np.uint32)
    state = 12345
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state
    return ((values >> 8).astype(np.float32) * np.float32(4 / 16777216) - 2).reshape(1, 3, size, size)


def multiply_adds(arch, size):
    """Of all convolutions and dense layers, in millions."""
    depths, dims = SIZES[arch]
    side = size // 4
    total = side * side * 48 * dims[0]
    for s, (depth, dim) in enumerate(zip(depths, dims)):
        if s > 0:
            side //= 2
            total += side * side * 4 * dims[s - 1] * dim
        total += depth * side * side * (49 * dim + 8 * dim * dim)
    return total / 1e6


def write_safetensors(path, weights):
    header, offset = {}, 0
    for name, array in weights.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in weights.values():
            file.write(array.tobytes())


class OnnxConvNeXt:
    """The network as nodes. basic: without LayerNormalization and Gelu, for readers that know only older
    operators (OpenCV 4.6). eight_bits: the blocks' dense layers quantised dynamically, as ONNX Runtime's own
    quantize_dynamic writes them: a scale and a zero point for each call's inputs, a scale for each output."""

    def __init__(self, weights, basic, eight_bits=False):
        self.weights, self.basic, self.eight_bits, self.graph = weights, basic, eight_bits, Graph()

    def convolution(self, x, name, **attributes):
        kernel = self.weights[name + ".weight"].shape[2]
        inputs = [x, self.graph.constant(self.weights[name + ".weight"]),
                  self.graph.constant(self.weights[name + ".bias"])]
        return self.graph.node("Conv", inputs, kernel_shape=[kernel, kernel], **attributes)

    def norm(self, x, name, side):
        return self.basic_norm(x, name, side) if self.basic else self.transposed_norm(x, name)

    def transposed_norm(self, x, name):
        x = self.graph.node("Transpose", [x], perm=[0, 2, 3, 1])
        inputs = [x, self.graph.constant(self.weights[name + ".weight"]),
                  self.graph.constant(self.weights[name + ".bias"])]
        x = self.graph.node("LayerNormalization", inputs, axis=-1, epsilon=EPS)
        return self.graph.node("Transpose", [x], perm=[0, 3, 1, 2])

    def basic_norm(self, x, name, side):
        """As instance norm: of a picture with a channel for each pixel and a pixel for each channel."""
        node, constant = self.graph.node, self.graph.constant
        weight, bias = self.weights[name + ".weight"], self.weights[name + ".bias"]
        shape = lambda *sizes: constant(np.array(sizes, np.int64))
        x = node("Reshape", [node("Transpose", [x], perm=[0, 2, 3, 1]), shape(1, side * side, weight.size, 1)])
        ones, zeros = np.ones(side * side, np.float32), np.zeros(side * side, np.float32)
        x = node("InstanceNormalization", [x, constant(ones), constant(zeros)], epsilon=EPS)
        x = node("Transpose", [node("Reshape", [x, shape(1, side, side, weight.size)])], perm=[0, 3, 1, 2])
        x = node("Mul", [x, constant(weight.reshape(1, -1, 1, 1))])
        return node("Add", [x, constant(bias.reshape(1, -1, 1, 1))])

    def gelu(self, x):
        if not self.basic:
            return self.graph.node("Gelu", [x])
        node, constant = self.graph.node, lambda v: self.graph.constant(np.full((1, 1, 1, 1), v, np.float32))
        erf = node("Erf", [node("Mul", [x, constant(0.5 ** 0.5)])])
        return node("Mul", [node("Mul", [x, node("Add", [erf, constant(1)])]), constant(0.5)])

    def dense_in_8_bits(self, x, name):
        """x: channels last."""
        node, constant = self.graph.node, self.graph.constant
        weights = self.weights[name + ".weight"].reshape(self.weights[name + ".bias"].size, -1)
        scale = np.abs(weights).max(1) / 127
        codes = np.rint(weights / scale[:, None]).astype(np.int8)
        rounded, row_scale, zero = self.graph.node_of_many("DynamicQuantizeLinear", [x], 3)
        sums = node("MatMulInteger", [rounded, constant(codes.T), zero, constant(np.zeros(scale.size, np.int8))])
        factor = node("Mul", [row_scale, constant(scale.astype(np.float32))])
        y = node("Mul", [node("Cast", [sums], to=1), factor])
        return node("Add", [y, constant(self.weights[name + ".bias"])])

    def block_in_8_bits(self, x, name):
        node, constant = self.graph.node, self.graph.constant
        y = self.convolution(x, name + ".conv_dw", group=self.weights[name + ".gamma"].size, pads=[3, 3, 3, 3])
        y = node("Transpose", [y], perm=[0, 2, 3, 1])
        y = node("LayerNormalization", [y, constant(self.weights[name + ".norm.weight"]),
                                        constant(self.weights[name + ".norm.bias"])], axis=-1, epsilon=EPS)
        y = self.gelu(self.dense_in_8_bits(y, name + ".mlp.fc1"))
        y = node("Mul", [self.dense_in_8_bits(y, name + ".mlp.fc2"), constant(self.weights[name + ".gamma"])])
        return node("Add", [node("Transpose", [y], perm=[0, 3, 1, 2]), x])

    def block(self, x, name, side):
        if self.eight_bits:
            return self.block_in_8_bits(x, name)
        dim = self.weights[name + ".gamma"].size
        y = self.convolution(x, name + ".conv_dw", group=dim, pads=[3, 3, 3, 3])
        y = self.norm(y, name + ".norm", side)
        y = self.gelu(self.convolution(y, name + ".mlp.fc1"))
        y = self.convolution(y, name + ".mlp.fc2")
        gamma = self.graph.constant(self.weights[name + ".gamma"].reshape(1, -1, 1, 1))
        return self.graph.node("Add", [self.graph.node("Mul", [y, gamma]), x])

    def write(self, path, arch, size):
        depths, dims = SIZES[arch]
        side = size // 4
        x = self.norm(self.convolution("input", "stem.0", strides=[4, 4]), "stem.1", side)
        for s, depth in enumerate(depths):
            if s > 0:
                x = self.norm(x, f"stages.{s}.downsample.0", side)
                x = self.convolution(x, f"stages.{s}.downsample.1", strides=[2, 2])
                side //= 2
            for b in range(depth):
                x = self.block(x, f"stages.{s}.blocks.{b}", side)
        x = self.graph.node("GlobalAveragePool", [x])
        x = self.norm(x, "head.norm", 1)
        x = self.graph.node("Flatten", [x], axis=1)
        self.graph.write(path, 11 if self.basic else 20, (1, 3, size, size), x, (1, dims[3]))


def main():
    arch, size, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, f"{arch}-{size}")
    weights = random_weights(arch)
    write_safetensors(base + ".safetensors", weights)
    OnnxConvNeXt(weights, basic=False).write(base + ".onnx", arch, size)
    OnnxConvNeXt(weights, basic=False, eight_bits=True).write(base + ".i8.onnx", arch, size)
    OnnxConvNeXt(weights, basic=True).write(base + ".basic.onnx", arch, size)
    make_input(size).tofile(base + ".input")


if __name__ == "__main__":
    main()
