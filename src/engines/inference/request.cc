// SPDX-License-Identifier: Apache-2.0
#include "engines/inference/request.h"

#include <cmath>
#include <cstring>

#include "base/strings.h"

namespace lazuli::inference {
namespace {

constexpr Json::Limits kLimits{64u << 20, 32};

Error bad_input(std::string message) { return invalid_argument(std::move(message), "BadInput"); }

// Walks nested lists into one tensor: every list of a level must have the same length.
class Flattener {
 public:
  explicit Flattener(const TensorInfo& info) : info_(info), size_(element_size(info.type)) {}

  Result<InputTensor> flatten(const Json& value) {
    measure(value);
    size_t count = 1;
    for (int64_t dimension : tensor_.shape) count *= static_cast<size_t>(dimension);
    tensor_.data.reserve(count * size_);
    TRY(append(value, 0));
    return std::move(tensor_);
  }

 private:
  void measure(const Json& value) {
    const Json* level = &value;
    while (level->is_array()) {
      tensor_.shape.push_back(static_cast<int64_t>(level->size()));
      if (level->empty()) return;
      level = &level->items().front();
    }
  }

  Result<void> append(const Json& value, size_t depth) {
    if (depth == tensor_.shape.size()) return append_element(value);
    if (!value.is_array() || static_cast<int64_t>(value.size()) != tensor_.shape[depth])
      return bad_input(cat({"the lists for the input '", info_.name, "' are not rectangular"}));
    for (const Json& item : value.items()) TRY(append(item, depth + 1));
    return {};
  }

  template <typename T>
  void put(T value) {
    auto* bytes = reinterpret_cast<const std::byte*>(&value);
    tensor_.data.insert(tensor_.data.end(), bytes, bytes + sizeof value);
  }

  Result<void> append_element(const Json& value) {
    if (info_.type == ElementType::kString) {
      tensor_.strings.push_back(value.text());
      return {};
    }
    bool fits = value.is_number() || value.is_bool();
    if (!fits)
      return bad_input(cat({"the input '", info_.name, "' takes ", to_string(info_.type),
                            " numbers, not ", value.dump().substr(0, 60)}));
    double number = value.is_bool() ? value.boolean() : value.number();
    switch (info_.type) {
      case ElementType::kFloat:
        put(static_cast<float>(number));
        break;
      case ElementType::kDouble:
        put(number);
        break;
      case ElementType::kInt64:
        put(value.is_bool() ? int64_t{value.boolean()} : value.integer());
        break;
      case ElementType::kInt32:
        put(static_cast<int32_t>(value.integer()));
        break;
      case ElementType::kBool:
        put(static_cast<uint8_t>(number != 0));
        break;
      default:
        return bad_input(cat({"the input '", info_.name, "' has a type that JSON cannot carry"}));
    }
    return {};
  }

  const TensorInfo& info_;
  size_t size_;
  InputTensor tensor_;
};

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> pieces;
  for (int64_t each : shape) pieces.push_back(each < 0 ? "?" : std::to_string(each));
  return cat({"[", join(pieces, ", "), "]"});
}

// The model's own complaint would name its nodes; this one names what the caller sent.
Result<void> check_shape(const TensorInfo& info, const InputTensor& tensor) {
  bool same = info.shape.size() == tensor.shape.size();
  for (size_t i = 0; same && i < info.shape.size(); ++i)
    same = info.shape[i] < 0 || info.shape[i] == tensor.shape[i];
  if (same) return {};
  return bad_input(cat({"the input '", info.name, "' has the shape ", shape_text(info.shape),
                        ", the request brings ", shape_text(tensor.shape)}));
}

Result<InputTensor> read_tensor(const TensorInfo& info, const Json& value) {
  InputTensor tensor = TRY(Flattener(info).flatten(value));
  TRY(check_shape(info, tensor));
  return tensor;
}

// One column of a table as a list of one-element rows.
Json column(const Json& rows, size_t index) {
  Json::Array items;
  for (const Json& row : rows.items())
    items.push_back(index < row.size() ? Json::array({row.items()[index]}) : Json());
  return Json::array(std::move(items));
}

Result<std::vector<InputTensor>> read_table(const Json& table,
                                            const std::vector<TensorInfo>& inputs) {
  if (inputs.size() == 1) {
    std::vector<InputTensor> tensors;
    tensors.push_back(TRY(read_tensor(inputs[0], table["data"])));
    return tensors;
  }
  std::vector<InputTensor> tensors;
  const Json::Array& columns = table["columns"].items();
  for (const TensorInfo& info : inputs) {
    size_t index = 0;
    while (index < columns.size() && columns[index].str() != info.name) ++index;
    if (index == columns.size())
      return bad_input(cat({"the table has no column '", info.name, "'"}));
    tensors.push_back(TRY(read_tensor(info, column(table["data"], index))));
  }
  return tensors;
}

Result<std::vector<InputTensor>> read_named(const Json& named,
                                            const std::vector<TensorInfo>& inputs) {
  std::vector<InputTensor> tensors;
  for (const TensorInfo& info : inputs) {
    const Json* value = named.find(info.name);
    if (value == nullptr) return bad_input(cat({"the request lacks the input '", info.name, "'"}));
    tensors.push_back(TRY(read_tensor(info, *value)));
  }
  return tensors;
}

}  // namespace

Result<std::vector<InputTensor>> read_request(std::string_view body,
                                              const std::vector<TensorInfo>& inputs) {
  Json json = TRY(Json::parse(body, kLimits));
  const Json* data = &json;
  if (json.is_object()) {
    data = nullptr;
    for (std::string_view key : {"input_data", "inputs", "data"})
      if (data == nullptr) data = json.find(key);
    if (data == nullptr)
      return bad_input("the request has no \"input_data\": send {\"input_data\": [[…]]}");
  }
  if (data->is_object() && data->contains("data") && data->contains("columns"))
    return read_table(*data, inputs);
  if (data->is_object()) return read_named(*data, inputs);
  if (!data->is_array())
    return bad_input("\"input_data\" must be a list, a table or an object of named inputs");
  if (inputs.size() != 1)
    return bad_input(
        cat({"the model has ", std::to_string(inputs.size()),
             " inputs: name them, {\"input_data\": {\"", inputs[0].name, "\": [[…]], …}}"}));
  std::vector<InputTensor> tensors;
  tensors.push_back(TRY(read_tensor(inputs[0], *data)));
  return tensors;
}

std::string_view to_string(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
      return "float";
    case ElementType::kDouble:
      return "double";
    case ElementType::kInt64:
      return "int64";
    case ElementType::kInt32:
      return "int32";
    case ElementType::kBool:
      return "bool";
    case ElementType::kString:
      return "string";
    case ElementType::kOther:
      return "other";
  }
  return "other";
}

size_t element_size(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
    case ElementType::kInt32:
      return 4;
    case ElementType::kDouble:
    case ElementType::kInt64:
      return 8;
    case ElementType::kBool:
      return 1;
    default:
      return 0;
  }
}

}  // namespace lazuli::inference
