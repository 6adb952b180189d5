# SPDX-License-Identifier: Apache-2.0
"""Small ONNX graphs whose answers can be computed by hand."""

from onnx import TensorProto, helper, save_model

FLOAT = TensorProto.FLOAT


def _save(path, nodes, inputs, outputs, constants, opsets=(("", 17),)):
    graph = helper.make_graph(nodes, "small", inputs, outputs, constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid(*opset) for opset in opsets], ir_version=8
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, str(path))
    return path


def scaled_sum(path, factor):
    """`total` = factor * (a + b + c) of each row of `X`."""
    return _save(
        path,
        [helper.make_node("MatMul", ["X", "W"], ["total"])],
        [helper.make_tensor_value_info("X", FLOAT, [None, 3])],
        [helper.make_tensor_value_info("total", FLOAT, [None, 1])],
        [helper.make_tensor("W", FLOAT, [3, 1], [float(factor)] * 3)],
    )


def classifier_with_zipmap(path):
    """As scikit-learn converters write it by default: labels, and a map of class to probability."""
    classes = [10, 20]
    nodes = [
        helper.make_node("Softmax", ["X"], ["P"], axis=1),
        helper.make_node("ArgMax", ["P"], ["index"], axis=1, keepdims=0),
        helper.make_node("Gather", ["classes", "index"], ["output_label"]),
        helper.make_node(
            "ZipMap", ["P"], ["output_probability"], domain="ai.onnx.ml", classlabels_int64s=classes
        ),
    ]
    probability = helper.make_value_info(
        "output_probability",
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(FLOAT, []))
        ),
    )
    return _save(
        path,
        nodes,
        [helper.make_tensor_value_info("X", FLOAT, [None, 2])],
        [helper.make_tensor_value_info("output_label", TensorProto.INT64, [None]), probability],
        [helper.make_tensor("classes", TensorProto.INT64, [2], classes)],
        opsets=(("", 17), ("ai.onnx.ml", 1)),
    )
