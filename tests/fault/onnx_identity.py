# SPDX-License-Identifier: Apache-2.0
"""The smallest ONNX model, y = Identity(x) over float[?, 2], spelt out as protobuf fields (onnx.proto3)."""


def field(number, value):
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def value_info(name):
    shape = field(1, field(2, "n")) + field(1, field(1, 2))  # two dimensions: n, 2
    tensor = field(1, 1) + field(2, shape)  # float
    return field(1, name) + field(2, field(1, tensor))


NODE = field(1, "x") + field(2, "y") + field(4, "Identity")
GRAPH = field(1, NODE) + field(2, "g") + field(11, value_info("x")) + field(12, value_info("y"))
MODEL = field(1, 8) + field(7, GRAPH) + field(8, field(2, 13))
