// SPDX-License-Identifier: Apache-2.0
// Source: azure-ai-ml azure/ai/ml/_restclient/dataset_dataplane, model_dataplane;
// _job_operations.py
// (_get_named_output_uri).
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/handlers.h"

namespace lazuli::runs {
namespace {

// Clients of azure-ai-ml before 1.35 know the types by other names, and download nothing, without
// a word, when they meet the wrong ones.
bool wants_old_names(std::string_view user_agent) {
  constexpr std::string_view kClient = "azure-ai-ml/1.";
  size_t at = user_agent.find(kClient);
  if (at == std::string_view::npos) return false;
  std::string_view rest = user_agent.substr(at + kClient.size());
  auto minor = parse_int(rest.substr(0, rest.find_first_not_of("0123456789")));
  return minor && *minor < 35;
}

std::string old_name(std::string_view type) {
  if (type == "uri_file") return "UriFile";
  if (type == "uri_folder") return "UriFolder";
  if (type == "mltable") return "MLTable";
  return std::string(type);
}

// Models are spelt one way by all clients.
std::string model_type(std::string_view type) {
  if (type == "custom_model") return "CustomModel";
  if (type == "mlflow_model") return "MLFlowModel";
  if (type == "triton_model") return "TritonModel";
  return std::string(type);
}

struct Resolved {
  std::string uri, type;
};

// An id is an address with its type ("azureml://…#uri_folder", as jobs publish outputs), or names a
// registered version.
Result<Resolved> resolve(Ledger& ledger, const std::string& workspace, assets::Kind kind,
                         std::string_view id) {
  size_t mark = id.rfind('#');
  if (mark != std::string_view::npos && istarts_with(id, "azureml://"))
    return Resolved{std::string(id.substr(0, mark)), std::string(id.substr(mark + 1))};
  assets::AssetVersion version = TRY(ledger.assets().find(workspace, kind, id));
  bool model = kind == assets::Kind::kModel;
  return Resolved{version.properties[model ? "modelUri" : "dataUri"].text(),
                  version.properties[model ? "modelType" : "dataType"].text()};
}

Answer resolve_all(Ledger& ledger, Context& context, assets::Kind kind) {
  std::string workspace = TRY(ledger.workspaces().get(context.workspace_id())).arm_id;
  Json body = TRY(context.json());
  bool old = wants_old_names(context.header("User-Agent"));
  Json values = Json::object();
  for (const Json& item : body["values"].items()) {
    Resolved found = TRY(resolve(ledger, workspace, kind, item.str()));
    bool model = kind == assets::Kind::kModel;
    std::string type = model ? model_type(found.type) : old ? old_name(found.type) : found.type;
    values.set(item.str(), Json::object({{model ? "path" : "uri", found.uri}, {"type", type}}));
  }
  return core::json_response(Json::object({{"values", std::move(values)}}));
}

}  // namespace

Answer resolve_data_uris(Ledger& ledger, Context& context) {
  return resolve_all(ledger, context, assets::Kind::kData);
}

Answer resolve_model_uris(Ledger& ledger, Context& context) {
  return resolve_all(ledger, context, assets::Kind::kModel);
}

}  // namespace lazuli::runs
