// SPDX-License-Identifier: Apache-2.0
#include "services/runs/output_types.h"

#include <limits>

#include "base/strings.h"

namespace lazuli::runs {
namespace {

constexpr int64_t kNewNames = 35;  // azure-ai-ml 1.35

// The minor version of azure-ai-ml 1; other clients count as the newest.
int64_t minor_version(std::string_view user_agent) {
  constexpr std::string_view kClient = "azure-ai-ml/1.";
  size_t at = user_agent.find(kClient);
  if (at == std::string_view::npos) return std::numeric_limits<int64_t>::max();
  std::string_view rest = user_agent.substr(at + kClient.size());
  return parse_int(rest.substr(0, rest.find_first_not_of("0123456789")))
      .value_or(std::numeric_limits<int64_t>::max());
}

}  // namespace

std::string data_type_for(std::string_view user_agent, std::string_view type) {
  if (minor_version(user_agent) >= kNewNames) return std::string(type);
  if (type == "uri_file") return "UriFile";
  if (type == "uri_folder") return "UriFolder";
  if (type == "mltable") return "MLTable";
  return std::string(type);
}

std::string model_type_for(std::string_view type) {
  if (type == "custom_model") return "CustomModel";
  if (type == "mlflow_model") return "MLFlowModel";
  if (type == "triton_model") return "TritonModel";
  return std::string(type);
}

Json outputs_for(std::string_view user_agent, const Json& outputs) {
  Json shown = Json::object();
  for (const Json::Member& output : outputs.members()) {
    Json value = output.value;
    std::string type = value["type"].text();
    if (!type.ends_with("_model"))
      type = data_type_for(user_agent, type);
    else
      type = minor_version(user_agent) >= kNewNames ? "uri_folder" : model_type_for(type);
    value.set("type", std::move(type));
    shown.set(output.key, std::move(value));
  }
  return shown;
}

}  // namespace lazuli::runs
