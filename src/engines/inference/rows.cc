// SPDX-License-Identifier: Apache-2.0
#include "engines/inference/rows.h"

#include <simdjson.h>

#include <cstring>
#include <memory>

namespace lazuli::inference {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kRankMax = 8;
constexpr size_t kKeptBytes = 256 * 1024;  // a larger text does not stay in the thread's memory

// The parser reads a few bytes beyond its text, so it gets a copy with room behind.
struct Scratch {
  dom::parser parser;
  std::unique_ptr<char[]> text;
  size_t capacity = 0;

  simdjson::simdjson_result<dom::element> parse(std::string_view body) {
    if (body.size() + simdjson::SIMDJSON_PADDING > capacity) {
      capacity = body.size() * 2 + simdjson::SIMDJSON_PADDING;
      text = std::make_unique<char[]>(capacity);
    }
    std::memcpy(text.get(), body.data(), body.size());
    std::memset(text.get() + body.size(), 0, simdjson::SIMDJSON_PADDING);
    return parser.parse(text.get(), body.size(), false);
  }
};

// Nested lists of numbers of one type. The first list of each level sets its length.
template <typename T>
class RowReader {
 public:
  explicit RowReader(size_t rank) { tensor_.shape.assign(rank, -1); }

  bool read(dom::array list, size_t depth) {
    int64_t count = 0;
    const bool innermost = depth + 1 == tensor_.shape.size();
    for (const dom::element item : list) {
      if (innermost ? !read_number(item) : !read_nested(item, depth)) return false;
      ++count;
    }
    int64_t& expected = tensor_.shape[depth];
    if (expected < 0) expected = count;
    return expected == count && count > 0;
  }

  InputTensor take() { return std::move(tensor_); }

 private:
  bool read_nested(dom::element item, size_t depth) {
    dom::array inner;
    return item.get(inner) == simdjson::SUCCESS && read(inner, depth + 1);
  }

  bool read_number(dom::element item) {
    T number;
    if constexpr (std::is_same_v<T, int64_t>) {
      if (item.get(number) != simdjson::SUCCESS) return false;
    } else {
      double wide;
      if (item.get(wide) != simdjson::SUCCESS) return false;
      number = static_cast<T>(wide);
    }
    const size_t size = tensor_.data.size();
    if (size == tensor_.data.capacity()) tensor_.data.reserve(std::max<size_t>(256, size * 4));
    tensor_.data.resize(size + sizeof number);
    std::memcpy(tensor_.data.data() + size, &number, sizeof number);
    return true;
  }

  InputTensor tensor_;
};

template <typename T>
std::optional<InputTensor> read_list(dom::array list, size_t rank) {
  RowReader<T> reader(rank);
  if (!reader.read(list, 0)) return std::nullopt;
  return reader.take();
}

std::optional<InputTensor> read_value(dom::element value, const TensorInfo& info) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return std::nullopt;
  switch (info.type) {
    case ElementType::kFloat:
      return read_list<float>(list, info.shape.size());
    case ElementType::kDouble:
      return read_list<double>(list, info.shape.size());
    case ElementType::kInt64:
      return read_list<int64_t>(list, info.shape.size());
    default:
      return std::nullopt;
  }
}

bool has_declared_shape(const InputTensor& tensor, const TensorInfo& info) {
  for (size_t i = 0; i < info.shape.size(); ++i)
    if (info.shape[i] >= 0 && info.shape[i] != tensor.shape[i]) return false;
  return true;
}

}  // namespace

std::optional<InputTensor> read_rows(std::string_view body, const TensorInfo& info) {
  if (info.shape.empty() || info.shape.size() > kRankMax) return std::nullopt;
  thread_local Scratch kept;
  Scratch once;
  Scratch& scratch = body.size() <= kKeptBytes ? kept : once;
  dom::object object;
  if (scratch.parse(body).get(object) != simdjson::SUCCESS || object.size() != 1)
    return std::nullopt;
  const dom::key_value_pair member = *object.begin();
  if (member.key != "input_data") return std::nullopt;
  std::optional<InputTensor> tensor = read_value(member.value, info);
  if (tensor && !has_declared_shape(*tensor, info)) return std::nullopt;
  return tensor;
}

}  // namespace lazuli::inference
