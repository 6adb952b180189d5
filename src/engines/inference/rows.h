// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "engines/inference/request.h"

namespace lazuli::inference {

// The usual request, {"input_data": [[…], …]} for a model with one numeric input, read from the
// text straight into the tensor. Nothing if the body is anything else, right or wrong:
// read_request() then reads it, or says what is wrong with it.
std::optional<InputTensor> read_rows(std::string_view body, const TensorInfo& info);

}  // namespace lazuli::inference
