# SPDX-License-Identifier: MIT
"""Reads ONNX files without the onnx package: the protobuf wire format, and of its messages what networks need.

read(path) gives a Graph: nodes in order, weights as numpy arrays, names of inputs and outputs.
"""
import collections
import struct

import numpy as np

Node = collections.namedtuple("Node", "op inputs outputs attributes")
Graph = collections.namedtuple("Graph", "nodes weights inputs outputs")

# TensorProto.DataType
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def fields(data):
    """(number, value) of a message: an int for types 0, raw bytes for 1, 2 and 5."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            if kind == 2:
                size, at = varint(data, at)
            else:
                size = {1: 8, 5: 4}[kind]
            value = data[at:at + size]
            at += size
        yield key >> 3, value


def packed_ints(value):
    """A repeated integer field comes packed as bytes, or one at a time."""
    if isinstance(value, int):
        return [signed(value)]
    out, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        out.append(signed(number))
    return out


def floats(value):
    return list(np.frombuffer(value, "<f4"))


def tensor(data):
    """TensorProto -> (name, array)."""
    shape, kind, name, raw, numbers = [], 1, "", None, []
    for number, value in fields(data):
        if number == 1:
            shape += packed_ints(value)
        elif number == 2:
            kind = value
        elif number == 4:
            numbers += floats(value)
        elif number in (5, 7):
            numbers += packed_ints(value)
        elif number == 8:
            name = bytes(value).decode()
        elif number == 9:
            raw = value
        elif number in (13, 14):
            raise ValueError("tensors in files of their own are not supported")
    array = np.frombuffer(raw, np.dtype(TYPES[kind]).newbyteorder("<")) if raw is not None else np.array(numbers, TYPES[kind])
    return name, array.reshape(shape).astype(TYPES[kind])


def attribute(data):
    name, value, ints, reals = "", None, [], []
    for number, field in fields(data):
        if number == 1:
            name = bytes(field).decode()
        elif number == 2:
            value = struct.unpack("<f", field)[0]
        elif number == 3:
            value = signed(field)
        elif number == 4:
            value = bytes(field).decode(errors="replace")
        elif number == 5:
            value = tensor(field)[1]
        elif number == 7:
            reals += floats(field)
        elif number == 8:
            ints += packed_ints(field)
    return name, ints or reals or value


def node(data):
    inputs, outputs, op, attributes = [], [], "", {}
    for number, value in fields(data):
        if number == 1:
            inputs.append(bytes(value).decode())
        elif number == 2:
            outputs.append(bytes(value).decode())
        elif number == 4:
            op = bytes(value).decode()
        elif number == 5:
            name, content = attribute(value)
            attributes[name] = content
    return Node(op, inputs, outputs, attributes)


def value_name(data):
    return next(bytes(value).decode() for number, value in fields(data) if number == 1)


def read(path):
    with open(path, "rb") as file:
        model = memoryview(file.read())
    graph = next(value for number, value in fields(model) if number == 7)
    nodes, weights, inputs, outputs = [], {}, [], []
    for number, value in fields(graph):
        if number == 1:
            nodes.append(node(value))
        elif number == 5:
            name, array = tensor(value)
            weights[name] = array
        elif number == 11:
            inputs.append(value_name(value))
        elif number == 12:
            outputs.append(value_name(value))
    return Graph(nodes, weights, [n for n in inputs if n not in weights], outputs)
