// SPDX-License-Identifier: Apache-2.0
#include "engines/inference/reply.h"

#include <charconv>
#include <cmath>
#include <functional>
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

using Append = std::function<void(std::string&, size_t)>;

// Nested lists over `shape`; `append` writes the element at a flat index.
void append_nested(std::string& out, const std::vector<int64_t>& shape, size_t depth, size_t& index,
                   const Append& append) {
  if (depth == shape.size()) {
    append(out, index++);
    return;
  }
  out += '[';
  for (int64_t i = 0; i < shape[depth]; ++i) {
    if (i > 0) out += ',';
    append_nested(out, shape, depth + 1, index, append);
  }
  out += ']';
}

struct TensorView {
  std::vector<int64_t> shape;
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  const void* data = nullptr;
  std::vector<std::string> strings;

  template <typename T>
  Append numbers() const {
    return [values = static_cast<const T*>(data)](std::string& out, size_t i) {
      append_number(out, values[i]);
    };
  }
};

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
  if (view.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    view.strings = TRY(strings_of(ort, value, count));
    return view;
  }
  void* data = nullptr;
  TRY(ort.check(ort->GetTensorMutableData(const_cast<OrtValue*>(value), &data)));
  view.data = data;
  return view;
}

Result<Append> appender(const TensorView& view) {
  switch (view.type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return view.numbers<float>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return view.numbers<double>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return view.numbers<int64_t>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return view.numbers<int32_t>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
      return view.numbers<int16_t>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
      return view.numbers<int8_t>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      return view.numbers<uint8_t>();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return Append([values = static_cast<const bool*>(view.data)](std::string& out, size_t i) {
        out += values[i] ? "true" : "false";
      });
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING:
      return Append([&view](std::string& out, size_t i) { out += Json(view.strings[i]).dump(); });
    default:
      return internal_error("an output has a type that JSON cannot carry", "ModelError");
  }
}

Result<void> append_tensor(const Ort& ort, const OrtValue* value, std::string& out) {
  TensorView view = TRY(view_of(ort, value));
  Append append = TRY(appender(view));
  size_t index = 0;
  append_nested(out, view.shape, 0, index, append);
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
  Append key = TRY(appender(key_view)), item = TRY(appender(value_view));
  size_t count = key_view.shape.empty() ? 1 : static_cast<size_t>(key_view.shape[0]);
  bool quote = key_view.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
  out += '{';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    if (quote) out += '"';
    key(out, i);
    out += quote ? "\":" : ":";
    item(out, i);
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
