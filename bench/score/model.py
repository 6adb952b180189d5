# SPDX-License-Identifier: Apache-2.0
"""Writes the benchmark's model, a dense 30-128-64-2 network, as ONNX. Runs in the environment `bench`."""
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS = (30, 128, 64, 2)


def make():
    random = numpy.random.default_rng(7)
    nodes, constants, last = [], [], "input"
    for i, (rows, columns) in enumerate(zip(LAYERS, LAYERS[1:])):
        weights = random.normal(0, rows ** -0.5, (rows, columns)).astype(numpy.float32)
        bias = random.normal(0, 0.1, columns).astype(numpy.float32)
        constants += [numpy_helper.from_array(weights, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"layer{i}"]))
        last = f"layer{i}"
        if columns != LAYERS[-1]:
            nodes.append(helper.make_node("Relu", [last], [f"relu{i}"]))
            last = f"relu{i}"
    nodes.append(helper.make_node("Softmax", [last], ["probabilities"]))
    graph = helper.make_graph(
        nodes, "mlp", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", LAYERS[0]])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", LAYERS[-1]])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(make(), sys.argv[1])
