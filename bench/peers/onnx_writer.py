# SPDX-License-Identifier: MIT
"""Writes ONNX files: the few messages of onnx.proto that a convolutional network needs, in protobuf's wire
format (a field is a varint `number << 3 | type`, then a varint (type 0), four bytes (5), or a length and bytes
(2)). Field numbers are those of onnx.proto."""
import struct

import numpy as np

FLOAT, INT8, INT64 = 1, 3, 7
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_STRING, _ATTRIBUTE_INTS = 1, 2, 3, 7


def _varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    if isinstance(value, str):
        value = value.encode()
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _attribute(name, value):
    out = _bytes(1, name)
    if isinstance(value, float):
        return out + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, _ATTRIBUTE_FLOAT)
    if isinstance(value, int):
        return out + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    if isinstance(value, str):
        return out + _bytes(4, value) + _number(20, _ATTRIBUTE_STRING)
    return out + b"".join(_number(8, v) for v in value) + _number(20, _ATTRIBUTE_INTS)


def _tensor(name, array):
    array = np.ascontiguousarray(array)
    kind = {np.dtype("float32"): FLOAT, np.dtype("int8"): INT8, np.dtype("int64"): INT64}[array.dtype]
    dims = b"".join(_number(1, d) for d in array.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes())


def _value(name, shape):
    dims = b"".join(_bytes(1, _number(1, d)) for d in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dims)))


class Graph:
    """A graph that grows node by node; names are made up on the way."""

    def __init__(self):
        self.nodes, self.tensors, self.count = [], [], 0

    def constant(self, array):
        name = f"c{len(self.tensors)}"
        self.tensors.append(_bytes(5, _tensor(name, array)))
        return name

    def node(self, operator, inputs, **attributes):
        """Adds a node with one output and gives the output's name."""
        return self.node_of_many(operator, inputs, 1, **attributes)[0]

    def node_of_many(self, operator, inputs, outputs, **attributes):
        """Adds a node with several outputs and gives their names."""
        self.count += 1
        names = [f"t{self.count}" if i == 0 else f"t{self.count}_{i}" for i in range(outputs)]
        body = b"".join(_bytes(1, i) for i in inputs) + b"".join(_bytes(2, o) for o in names)
        body += _bytes(3, f"{operator}{self.count}") + _bytes(4, operator)
        body += b"".join(_bytes(5, _attribute(k, v)) for k, v in attributes.items())
        self.nodes.append(_bytes(1, body))
        return names

    def write(self, path, opset, input_shape, output, output_shape):
        graph = b"".join(self.nodes) + _bytes(2, "convnext") + b"".join(self.tensors)
        graph += _bytes(11, _value("input", input_shape)) + _bytes(12, _value(output, output_shape))
        model = _number(1, 9 if opset > 17 else 8) + _bytes(2, "libvisembed bench")
        model += _bytes(7, graph) + _bytes(8, _number(2, opset))
        with open(path, "wb") as file:
            file.write(model)
