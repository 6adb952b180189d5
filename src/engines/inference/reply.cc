// SPDX-License-Identifier: Apache-2.0
#include "engines/inference/reply.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "codec/json.h"

namespace lazuli::inference {
namespace {

template <typename T>
void append_number(std::string& out, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) {
      out += "null";
      return;
    }
  }
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, static_cast<size_t>(end - buffer));
}

// The elements of one tensor, by their flat index.
struct TensorView {
  std::vector<int64_t> shape;
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  const void* data = nullptr;
  std::vector<std::string> strings;

  template <typename T>
  T at(size_t i) const {
    return static_cast<const T*>(data)[i];
  }

  void append(std::string& out, size_t i) const {
    switch (type) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
        return append_number(out, at<float>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
        return append_number(out, at<double>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
        return append_number(out, at<int64_t>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
        return append_number(out, at<int32_t>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
        return append_number(out, at<int16_t>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
        return append_number(out, at<int8_t>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
        return append_number(out, at<uint8_t>(i));
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
        out += at<bool>(i) ? "true" : "false";
        return;
      default:
        out += Json(strings[i]).dump();
    }
  }
};

bool fits_json(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING:
      return true;
    default:
      return false;
  }
}

// Nested lists over the tensor's shape.
void append_nested(const TensorView& view, size_t depth, size_t& index, std::string& out) {
  if (depth == view.shape.size()) return view.append(out, index++);
  out += '[';
  for (int64_t i = 0; i < view.shape[depth]; ++i) {
    if (i > 0) out += ',';
    append_nested(view, depth + 1, index, out);
  }
  out += ']';
}

Result<std::vector<std::string>> strings_of(const Ort& ort, const OrtValue* value, size_t count) {
  std::vector<std::string> strings(count);
  for (size_t i = 0; i < count; ++i) {
    size_t size = 0;
    TRY(ort.check(ort->GetStringTensorElementLength(value, i, &size)));
    strings[i].resize(size);
    TRY(ort.check(ort->GetStringTensorElement(value, size, i, strings[i].data())));
  }
  return strings;
}

Result<TensorView> view_of(const Ort& ort, const OrtValue* value) {
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  TRY(ort.check(ort->GetTensorTypeAndShape(value, &raw)));
  OrtPtr<OrtTensorTypeAndShapeInfo> info(raw, {&ort});
  TensorView view;
  size_t rank = 0, count = 0;
  TRY(ort.check(ort->GetDimensionsCount(raw, &rank)));
  view.shape.resize(rank);
  TRY(ort.check(ort->GetDimensions(raw, view.shape.data(), rank)));
  TRY(ort.check(ort->GetTensorElementType(raw, &view.type)));
  TRY(ort.check(ort->GetTensorShapeElementCount(raw, &count)));
  if (!fits_json(view.type))
    return internal_error("an output has a type that JSON cannot carry", "ModelError");
  if (view.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    view.strings = TRY(strings_of(ort, value, count));
    return view;
  }
  void* data = nullptr;
  TRY(ort.check(ort->GetTensorMutableData(const_cast<OrtValue*>(value), &data)));
  view.data = data;
  return view;
}

Result<void> append_tensor(const Ort& ort, const OrtValue* value, std::string& out) {
  const TensorView view = TRY(view_of(ort, value));
  size_t index = 0;
  append_nested(view, 0, index, out);
  return {};
}

Result<OrtPtr<OrtValue>> child(const Ort& ort, const OrtValue* value, int index) {
  OrtAllocator* allocator = nullptr;
  TRY(ort.check(ort->GetAllocatorWithDefaultOptions(&allocator)));
  OrtValue* raw = nullptr;
  TRY(ort.check(ort->GetValue(value, index, allocator, &raw)));
  return OrtPtr<OrtValue>(raw, {&ort});
}

Result<void> append_map(const Ort& ort, const OrtValue* value, std::string& out) {
  OrtPtr<OrtValue> keys = TRY(child(ort, value, 0)), values = TRY(child(ort, value, 1));
  TensorView key_view = TRY(view_of(ort, keys.get())), value_view = TRY(view_of(ort, values.get()));
  size_t count = key_view.shape.empty() ? 1 : static_cast<size_t>(key_view.shape[0]);
  bool quote = key_view.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
  out += '{';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    if (quote) out += '"';
    key_view.append(out, i);
    out += quote ? "\":" : ":";
    value_view.append(out, i);
  }
  out += '}';
  return {};
}

Result<void> append_sequence(const Ort& ort, const OrtValue* value, std::string& out) {
  size_t count = 0;
  TRY(ort.check(ort->GetValueCount(value, &count)));
  out += '[';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    OrtPtr<OrtValue> item = TRY(child(ort, value, static_cast<int>(i)));
    TRY(append_output(ort, item.get(), out));
  }
  out += ']';
  return {};
}

}  // namespace

Result<void> append_output(const Ort& ort, const OrtValue* value, std::string& out) {
  ONNXType type = ONNX_TYPE_UNKNOWN;
  TRY(ort.check(ort->GetValueType(value, &type)));
  if (type == ONNX_TYPE_TENSOR) return append_tensor(ort, value, out);
  if (type == ONNX_TYPE_MAP) return append_map(ort, value, out);
  if (type == ONNX_TYPE_SEQUENCE) return append_sequence(ort, value, out);
  return internal_error("an output is neither a tensor, a map nor a sequence", "ModelError");
}

}  // namespace lazuli::inference
