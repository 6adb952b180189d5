// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engines/inference/inference.h"

namespace lazuli::inference {

// One input tensor read from JSON: numbers in the element type the model wants, or strings.
struct InputTensor {
  std::vector<int64_t> shape;
  std::vector<std::byte> data;
  std::vector<std::string> strings;
};

// Reads a scoring request for a model with these inputs, in their order. Accepted bodies:
//   {"input_data": [[…]]}                          one input
//   {"input_data": {"columns": […], "data": [[…]]}}  one input, or one column per input
//   {"input_data": {"name": [[…]], …}}             inputs by name
// and the same under "inputs" or "data", or a bare list. Source: MLflow's and Azure's no-code
// forms.
Result<std::vector<InputTensor>> read_request(std::string_view body,
                                              const std::vector<TensorInfo>& inputs);

std::string_view to_string(ElementType type);
size_t element_size(ElementType type);

}  // namespace lazuli::inference
