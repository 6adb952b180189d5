// SPDX-License-Identifier: Apache-2.0
#include "engines/inference/ort.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace lazuli::inference {
namespace {

constexpr const char* kLibrary = "libonnxruntime.so.1";

std::string beside_executable() {
  std::error_code failure;
  auto executable = std::filesystem::read_symlink("/proc/self/exe", failure);
  return (executable.parent_path().parent_path() / "lib" / kLibrary).string();
}

}  // namespace

Result<std::shared_ptr<Ort>> Ort::load() {
  // main() sets it first of all; tests and other programs come here without.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  void* library = ::dlopen(beside_executable().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return unavailable(std::string("ONNX Runtime cannot be loaded: ") + ::dlerror());
  using GetBase = const OrtApiBase* (*)();
  auto get_base = reinterpret_cast<GetBase>(::dlsym(library, "OrtGetApiBase"));
  if (get_base == nullptr) return internal_error("the ONNX Runtime library has no OrtGetApiBase");
  std::shared_ptr<Ort> ort(new Ort());
  ort->api_ = get_base()->GetApi(ORT_API_VERSION);
  if (ort->api_ == nullptr)
    return internal_error(std::string("ONNX Runtime ") + get_base()->GetVersionString() +
                          " is too old for this build");
  const OrtApi& api = *ort->api_;
  TRY(ort->check(api.CreateEnv(ORT_LOGGING_LEVEL_ERROR, "lazuli", &ort->env_)));
  TRY(ort->check(api.DisableTelemetryEvents(ort->env_)));
  TRY(ort->check(api.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &ort->memory_)));
  return ort;
}

Ort::~Ort() {
  if (memory_ != nullptr) api_->ReleaseMemoryInfo(memory_);
  if (env_ != nullptr) api_->ReleaseEnv(env_);
}

Result<void> Ort::check(OrtStatus* status) const {
  if (status == nullptr) return {};
  OrtErrorCode code = api_->GetErrorCode(status);
  std::string message = api_->GetErrorMessage(status);
  api_->ReleaseStatus(status);
  bool input = code == ORT_INVALID_ARGUMENT || code == ORT_INVALID_PROTOBUF ||
               code == ORT_INVALID_GRAPH || code == ORT_NO_SUCHFILE;
  return input ? invalid_argument(std::move(message), "ModelError")
               : internal_error(std::move(message), "ModelError");
}

}  // namespace lazuli::inference
