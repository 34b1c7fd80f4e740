#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns an OpenVINO network (.xml and .bin) into ONNX: the operations that face-reidentification-retail-0095 has.

  ir_to_onnx.py MODEL.xml MODEL.bin OUT.onnx
"""
import sys
import xml.etree.ElementTree as xml

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STORED = {"f16": np.float16, "f32": np.float32}
SAME = {"Add": "Add", "Multiply": "Mul", "Sigmoid": "Sigmoid"}


def ints(text):
    return [int(n) for n in text.split(",")]


def constant(about, weights):
    kind = np.dtype(STORED[about["element_type"]])
    values = np.frombuffer(weights, kind, int(about["size"]) // kind.itemsize, int(about["offset"]))
    return values.reshape(ints(about["shape"])).astype(np.float32)


class Graph:
    def __init__(self, root, weights):
        self.weights, self.nodes, self.constants = weights, [], {}
        self.inputs, self.result = {}, None
        self.sources = {}
        for edge in root.find("edges"):
            self.sources.setdefault(edge.get("to-layer"), {})[int(edge.get("to-port"))] = edge.get("from-layer")
        self.names = {}  # of each layer's output
        for layer in root.find("layers"):
            self.add(layer)

    def node(self, kind, inputs, layer, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, ["t" + layer], **attributes))
        self.names[layer] = "t" + layer

    def keep(self, layer, values):
        self.names[layer] = "t" + layer
        self.constants[self.names[layer]] = values

    def convolution(self, layer, inputs, about, grouped):
        weights = self.constants[inputs[1]]
        groups = weights.shape[0] if grouped else 1
        if grouped:  # [groups][out][in][h][w]
            self.constants[inputs[1]] = weights.reshape((-1,) + weights.shape[2:])
        self.node("Conv", inputs, layer, group=groups, strides=ints(about["strides"]),
                  pads=ints(about["pads_begin"]) + ints(about["pads_end"]), dilations=ints(about["dilations"]))

    def add(self, layer):
        kind, number = layer.get("type"), layer.get("id")
        about = dict(layer.find("data").attrib) if layer.find("data") is not None else {}
        inputs = [self.names[s] for _, s in sorted(self.sources.get(number, {}).items())]
        if kind == "Parameter":
            self.names[number] = "picture"
            self.inputs["picture"] = ints(about["shape"])
        elif kind == "Const":
            self.keep(number, constant(about, self.weights))
        elif kind == "Convert":  # f16 to f32: done already
            self.names[number] = inputs[0]
        elif kind in SAME:
            self.node(SAME[kind], inputs, number)
        elif kind == "PReLU":
            slope = self.constants[inputs[1]]  # one, or one a channel
            self.constants[inputs[1]] = slope.reshape(-1, 1, 1)
            self.node("PRelu", inputs, number)
        elif kind == "AvgPool":
            self.node("AveragePool", inputs, number, kernel_shape=ints(about["kernel"]),
                      strides=ints(about["strides"]), pads=ints(about["pads_begin"]) + ints(about["pads_end"]))
        elif kind in ("Convolution", "GroupConvolution"):
            self.convolution(number, inputs, about, kind == "GroupConvolution")
        elif kind == "Result":
            self.node("Flatten", inputs, number)
            self.result = self.names[number]
        else:
            raise SystemExit("ir_to_onnx.py: layer %s: %s is not known" % (layer.get("name"), kind))


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    with open(sys.argv[2], "rb") as file:
        graph = Graph(xml.parse(sys.argv[1]).getroot(), file.read())
    used = {n for node in graph.nodes for n in node.input}
    made = helper.make_graph(
        graph.nodes, "network",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in graph.inputs.items()],
        [helper.make_tensor_value_info(graph.result, TensorProto.FLOAT, ["rows", "values"])],
        [numpy_helper.from_array(v, n) for n, v in graph.constants.items() if n in used])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, sys.argv[3])


if __name__ == "__main__":
    main()
