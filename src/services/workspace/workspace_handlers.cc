// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/azureml/workspaces; azure-ai-ml
// operations/_workspace_operations_base.py
#include "base/strings.h"
#include "core/arm.h"
#include "services/workspace/handlers.h"
#include "services/workspace/store.h"
#include "services/workspace/wire.h"

namespace lazuli::workspace {
namespace {

// What of a workspace may change: tags, friendlyName and description. The rest is as it was made.
Result<void> apply(const Json& body, WorkspaceRow& row) {
  if (body.contains("tags")) row.tags = TRY(parse_tags(body["tags"]));
  const Json& properties = body["properties"];
  if (properties.contains("friendlyName")) row.friendly_name = properties["friendlyName"].str();
  if (properties.contains("description")) row.description = properties["description"].str();
  return {};
}

Answer update(Registry& registry, Context& context) {
  Json body = TRY(context.json());
  auto row = TRY(registry.db().write([&](db::Tx& tx) -> Result<WorkspaceRow> {
    auto found = TRY(
        store::find_workspace(tx, context.param("sub"), context.param("rg"), context.param("ws")));
    if (!found) return unimplemented("Creating a workspace is not available on this server.");
    TRY(apply(body, *found));
    found->system_data = touched(context, &found->system_data);
    TRY(store::update_workspace(tx, *found));
    return std::move(*found);
  }));
  return core::json_response(workspace_json(context, registry, row));
}

}  // namespace

Result<WorkspaceRow> workspace_of(Registry& registry, const Context& context) {
  return registry.find(context.param("sub"), context.param("rg"), context.param("ws"));
}

core::SystemData touched(const Context& context, const core::SystemData* before) {
  const std::string& who = context.principal().name();
  const Timestamp time = now();
  if (before == nullptr) return {who, who, time, time};
  return {before->created_by, who, before->created_at, time};
}

Answer get_workspace(Registry& registry, Context& context) {
  WorkspaceRow row = TRY(workspace_of(registry, context));
  return core::json_response(workspace_json(context, registry, row));
}

// Of a resource group, or of the whole subscription.
Answer list_workspaces(Registry& registry, Context& context) {
  auto rows = TRY(registry.db().read([&](db::Reader& db) {
    return store::list_workspaces(db, context.param("sub"), context.param("rg"));
  }));
  Json::Array items;
  for (const WorkspaceRow& row : rows) items.push_back(workspace_json(context, registry, row));
  return core::json_response(core::arm_list(std::move(items)));
}

Answer put_workspace(Registry& registry, Context& context) { return update(registry, context); }

Answer patch_workspace(Registry& registry, Context& context) {
  TRY(workspace_of(registry, context));
  return update(registry, context);
}

Answer list_workspace_keys(Registry& registry, Context& context) {
  WorkspaceRow row = TRY(workspace_of(registry, context));
  SecretString key = TRY(registry.storage().account_key(row.storage_account));
  return core::json_response(
      Json::object({{"userStorageKey", key.expose()},
                    {"userStorageArmId", registry.storage_account_id(row)},
                    {"userStorageResourceId", registry.storage_account_id(row)},
                    {"appInsightsInstrumentationKey", nullptr},
                    {"containerRegistryCredentials", nullptr},
                    {"notebookAccessKeys", nullptr}}));
}

// What a client learns before it has a token: where the ML data plane is. Clients read `api` only.
Answer get_discovery(Registry&, Context& context) {
  const http::RequestHead& head = context.head();
  return core::json_response(Json::object(
      {{"api", cat({head.tls ? "https://" : "http://", head.host, context.port_suffix()})}}));
}

}  // namespace lazuli::workspace
