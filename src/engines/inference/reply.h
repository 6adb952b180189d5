// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engines/inference/ort.h"

namespace lazuli::inference {

// Appends one output as JSON: tensors as nested lists, a classifier's sequence of maps as a list of
// objects. Numbers are the shortest that read back the same.
Result<void> append_output(const Ort& ort, const OrtValue* value, std::string& out);

}  // namespace lazuli::inference
