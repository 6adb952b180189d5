// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnxruntime_c_api.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace lazuli::inference {

// ONNX Runtime's C API, loaded at run time: a server that scores nothing never pays for it, and
// telemetry is off before the library's first instruction.
class Ort {
 public:
  // Looks beside the executable (../lib), then where the system's loader looks.
  static Result<std::shared_ptr<Ort>> load();
  ~Ort();

  const OrtApi* operator->() const { return api_; }
  const OrtApi& api() const { return *api_; }
  OrtEnv* env() const { return env_; }
  const OrtMemoryInfo* memory() const { return memory_; }
  // Takes the status: null is success.
  Result<void> check(OrtStatus* status) const;

 private:
  Ort() = default;
  const OrtApi* api_ = nullptr;
  OrtEnv* env_ = nullptr;
  OrtMemoryInfo* memory_ = nullptr;
};

// Owns a value of the runtime.
struct OrtDeleter {
  const Ort* ort;
  void operator()(OrtValue* value) const { ort->api().ReleaseValue(value); }
  void operator()(OrtTypeInfo* info) const { ort->api().ReleaseTypeInfo(info); }
  void operator()(OrtSession* session) const { ort->api().ReleaseSession(session); }
  void operator()(OrtSessionOptions* options) const { ort->api().ReleaseSessionOptions(options); }
  void operator()(OrtTensorTypeAndShapeInfo* info) const {
    ort->api().ReleaseTensorTypeAndShapeInfo(info);
  }
};
template <typename T>
using OrtPtr = std::unique_ptr<T, OrtDeleter>;

}  // namespace lazuli::inference
