// SPDX-License-Identifier: Apache-2.0
#include <mutex>

#include "base/strings.h"
#include "codec/json.h"
#include "engines/inference/inference.h"
#include "engines/inference/ort.h"
#include "engines/inference/reply.h"
#include "engines/inference/request.h"
#include "engines/inference/rows.h"

namespace lazuli::inference {
namespace {

ElementType element_type(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return ElementType::kFloat;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return ElementType::kDouble;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return ElementType::kInt64;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return ElementType::kInt32;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return ElementType::kBool;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING:
      return ElementType::kString;
    default:
      return ElementType::kOther;
  }
}

ONNXTensorElementDataType ort_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case ElementType::kDouble:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
    case ElementType::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    case ElementType::kInt32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    case ElementType::kBool:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL;
    case ElementType::kString:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
    case ElementType::kOther:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

class OrtModel final : public Model {
 public:
  OrtModel(std::shared_ptr<Ort> ort, OrtPtr<OrtSession> session)
      : ort_(std::move(ort)), session_(std::move(session)) {}

  Result<void> describe() {
    size_t count = 0;
    TRY(ort_->check((*ort_)->SessionGetInputCount(session_.get(), &count)));
    for (size_t i = 0; i < count; ++i) inputs_.push_back(TRY(info(i, true)));
    TRY(ort_->check((*ort_)->SessionGetOutputCount(session_.get(), &count)));
    for (size_t i = 0; i < count; ++i) outputs_.push_back(TRY(info(i, false)));
    for (size_t i = 0; i < count; ++i)
      output_keys_.push_back(cat({i == 0 ? "{" : ",", Json(outputs_[i].name).dump(), ":"}));
    if (inputs_.empty()) return invalid_argument("the model has no inputs", "ModelError");
    for (const TensorInfo& each : inputs_) input_names_.push_back(each.name.c_str());
    for (const TensorInfo& each : outputs_) output_names_.push_back(each.name.c_str());
    return {};
  }

  const std::vector<TensorInfo>& inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& outputs() const override { return outputs_; }

  Result<std::string> score_json(std::string_view body) override {
    std::vector<InputTensor> tensors = TRY(read_inputs(body));
    std::vector<OrtPtr<OrtValue>> owned;
    std::vector<const OrtValue*> values;
    owned.reserve(tensors.size());
    values.reserve(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      owned.push_back(TRY(make_value(inputs_[i], tensors[i])));
      values.push_back(owned.back().get());
    }
    std::vector<OrtValue*> results(outputs_.size(), nullptr);
    OrtStatus* status =
        (*ort_)->Run(session_.get(), nullptr, input_names_.data(), values.data(), values.size(),
                     output_names_.data(), results.size(), results.data());
    std::vector<OrtPtr<OrtValue>> kept;
    kept.reserve(results.size());
    for (OrtValue* result : results)
      if (result != nullptr) kept.emplace_back(result, OrtDeleter{ort_.get()});
    TRY(ort_->check(status));
    return reply(kept);
  }

 private:
  Result<std::vector<InputTensor>> read_inputs(std::string_view body) const {
    if (inputs_.size() == 1) {
      if (auto rows = read_rows(body, inputs_[0])) {
        std::vector<InputTensor> tensors;
        tensors.push_back(std::move(*rows));
        return tensors;
      }
    }
    return read_request(body, inputs_);
  }

  Result<TensorInfo> info(size_t index, bool input) {
    const OrtApi& api = ort_->api();
    OrtAllocator* allocator = nullptr;
    TRY(ort_->check(api.GetAllocatorWithDefaultOptions(&allocator)));
    char* name = nullptr;
    TRY(ort_->check(input ? api.SessionGetInputName(session_.get(), index, allocator, &name)
                          : api.SessionGetOutputName(session_.get(), index, allocator, &name)));
    TensorInfo made;
    made.name = name;
    TRY(ort_->check(api.AllocatorFree(allocator, name)));
    OrtTypeInfo* raw = nullptr;
    TRY(ort_->check(input ? api.SessionGetInputTypeInfo(session_.get(), index, &raw)
                          : api.SessionGetOutputTypeInfo(session_.get(), index, &raw)));
    OrtPtr<OrtTypeInfo> type(raw, {ort_.get()});
    TRY(read_type(raw, made));
    return made;
  }

  Result<void> read_type(const OrtTypeInfo* type, TensorInfo& made) {
    const OrtApi& api = ort_->api();
    ONNXType kind = ONNX_TYPE_UNKNOWN;
    TRY(ort_->check(api.GetOnnxTypeFromTypeInfo(type, &kind)));
    made.is_map_sequence = kind == ONNX_TYPE_SEQUENCE;
    const OrtTensorTypeAndShapeInfo* tensor = nullptr;
    TRY(ort_->check(api.CastTypeInfoToTensorInfo(type, &tensor)));
    if (tensor == nullptr) {
      made.type = ElementType::kOther;
      return {};
    }
    ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    TRY(ort_->check(api.GetTensorElementType(tensor, &element)));
    made.type = element_type(element);
    size_t rank = 0;
    TRY(ort_->check(api.GetDimensionsCount(tensor, &rank)));
    made.shape.resize(rank);
    return ort_->check(api.GetDimensions(tensor, made.shape.data(), rank));
  }

  // The value borrows the tensor's data: both live for the call.
  Result<OrtPtr<OrtValue>> make_value(const TensorInfo& info, InputTensor& tensor) {
    const OrtApi& api = ort_->api();
    OrtValue* raw = nullptr;
    if (info.type != ElementType::kString) {
      TRY(ort_->check(api.CreateTensorWithDataAsOrtValue(
          ort_->memory(), tensor.data.data(), tensor.data.size(), tensor.shape.data(),
          tensor.shape.size(), ort_type(info.type), &raw)));
      return OrtPtr<OrtValue>(raw, {ort_.get()});
    }
    OrtAllocator* allocator = nullptr;
    TRY(ort_->check(api.GetAllocatorWithDefaultOptions(&allocator)));
    TRY(ort_->check(api.CreateTensorAsOrtValue(allocator, tensor.shape.data(), tensor.shape.size(),
                                               ort_type(info.type), &raw)));
    OrtPtr<OrtValue> value(raw, {ort_.get()});
    std::vector<const char*> strings;
    for (const std::string& each : tensor.strings) strings.push_back(each.c_str());
    TRY(ort_->check(api.FillStringTensor(raw, strings.data(), strings.size())));
    return value;
  }

  Result<std::string> reply(const std::vector<OrtPtr<OrtValue>>& values) {
    std::string out;
    out.reserve(256);
    for (size_t i = 0; i < values.size(); ++i) {
      out += output_keys_[i];
      TRY(append_output(*ort_, values[i].get(), out));
    }
    out += '}';
    return out;
  }

  std::shared_ptr<Ort> ort_;
  OrtPtr<OrtSession> session_;
  std::vector<TensorInfo> inputs_, outputs_;
  std::vector<const char*> input_names_, output_names_;
  std::vector<std::string> output_keys_;  // as the answer has them, with what stands before
};

class OrtEngine final : public Engine {
 public:
  Result<std::shared_ptr<Model>> load(std::string_view model) override {
    std::shared_ptr<Ort> ort = TRY(runtime());
    const OrtApi& api = ort->api();
    OrtSessionOptions* raw_options = nullptr;
    TRY(ort->check(api.CreateSessionOptions(&raw_options)));
    OrtPtr<OrtSessionOptions> options(raw_options, {ort.get()});
    // Requests run side by side on the server's threads; a model's own pool would only compete.
    TRY(ort->check(api.SetIntraOpNumThreads(raw_options, 1)));
    TRY(ort->check(api.SetInterOpNumThreads(raw_options, 1)));
    TRY(ort->check(api.AddSessionConfigEntry(raw_options, "session.intra_op.allow_spinning", "0")));
    TRY(ort->check(api.AddSessionConfigEntry(raw_options, "session.set_denormal_as_zero", "1")));
    OrtSession* raw_session = nullptr;
    TRY(ort->check(api.CreateSessionFromArray(ort->env(), model.data(), model.size(), raw_options,
                                              &raw_session)));
    auto loaded =
        std::make_shared<OrtModel>(ort, OrtPtr<OrtSession>(raw_session, OrtDeleter{ort.get()}));
    TRY(loaded->describe());
    return std::shared_ptr<Model>(std::move(loaded));
  }

 private:
  Result<std::shared_ptr<Ort>> runtime() {
    std::lock_guard lock(mutex_);
    if (!ort_) ort_ = TRY(Ort::load());
    return ort_;
  }

  std::mutex mutex_;
  std::shared_ptr<Ort> ort_;
};

}  // namespace

std::unique_ptr<Engine> Engine::create() { return std::make_unique<OrtEngine>(); }

}  // namespace lazuli::inference
