// SPDX-License-Identifier: Apache-2.0
// Source: azure-ai-ml azure/ai/ml/_restclient/dataset_dataplane, model_dataplane;
// _job_operations.py
// (_get_named_output_uri).
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/handlers.h"
#include "services/runs/output_types.h"

namespace lazuli::runs {
namespace {

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
  bool model = kind == assets::Kind::kModel || id.find("/models/") != std::string_view::npos;
  kind = model ? assets::Kind::kModel : kind;
  assets::AssetVersion version = TRY(ledger.assets().find(workspace, kind, id));
  return Resolved{version.properties[model ? "modelUri" : "dataUri"].text(),
                  version.properties[model ? "modelType" : "dataType"].text()};
}

Answer resolve_all(Ledger& ledger, Context& context, assets::Kind kind) {
  std::string workspace = TRY(ledger.workspaces().get(context.workspace_id())).arm_id;
  Json body = TRY(context.json());
  std::string_view client = context.header("User-Agent");
  Json values = Json::object();
  for (const Json& item : body["values"].items()) {
    Resolved found = TRY(resolve(ledger, workspace, kind, item.str()));
    bool model = kind == assets::Kind::kModel;
    std::string type = model ? model_type_for(found.type) : data_type_for(client, found.type);
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
