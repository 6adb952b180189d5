// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::inference {

enum class ElementType { kFloat, kDouble, kInt64, kInt32, kBool, kString, kOther };

struct TensorInfo {
  std::string name;
  ElementType type = ElementType::kFloat;
  std::vector<int64_t> shape;    // -1: free
  bool is_map_sequence = false;  // a classifier's ZipMap output
};

// One loaded model version: a session shared by all threads. Immutable; run() is thread-safe.
class Model {
 public:
  virtual ~Model() = default;
  virtual const std::vector<TensorInfo>& inputs() const = 0;
  virtual const std::vector<TensorInfo>& outputs() const = 0;
  // Scores one JSON request body and returns the JSON answer (see docs/services/endpoints.md for
  // the accepted shapes). Errors: kInvalidArgument for what the model cannot take, kInternal from
  // the runtime, both with the cause in words.
  virtual Result<std::string> score_json(std::string_view body) = 0;
};

// ONNX Runtime, loaded at the first use with telemetry off. Thread-safe.
class Engine {
 public:
  static std::unique_ptr<Engine> create();
  virtual ~Engine() = default;
  // `model` is the bytes of an ONNX file; kInvalidArgument with the runtime's reason when broken.
  virtual Result<std::shared_ptr<Model>> load(std::string_view model) = 0;
};

}  // namespace lazuli::inference
