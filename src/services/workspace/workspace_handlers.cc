// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/azureml/workspaces; azure-ai-ml
// operations/_workspace_operations_base.py
#include "base/strings.h"
#include "core/arm.h"
#include "core/events.h"
#include "core/groups.h"
#include "core/operations.h"
#include "core/tags.h"
#include "services/workspace/handlers.h"
#include "services/workspace/store.h"
#include "services/workspace/wire.h"

namespace lazuli::workspace {
namespace {

// What of a workspace may change: tags, friendlyName and description. The rest is as it was made.
Result<void> apply(const Json& body, WorkspaceRow& row) {
  if (body.contains("tags")) row.tags = TRY(core::checked_tags(body["tags"]));
  const Json& properties = body["properties"];
  if (properties.contains("friendlyName")) row.friendly_name = properties["friendlyName"].str();
  if (properties.contains("description")) row.description = properties["description"].str();
  return {};
}

// What a workspace is made with and only tells.
constexpr std::string_view kSettings[] = {"keyVault",
                                          "applicationInsights",
                                          "containerRegistry",
                                          "hbiWorkspace",
                                          "imageBuildCompute",
                                          "publicNetworkAccess",
                                          "v1LegacyMode",
                                          "allowRoleAssignmentOnRG",
                                          "primaryUserAssignedIdentity",
                                          "systemDatastoresAuthMode"};

bool is_workspace_name(std::string_view name) {
  if (name.size() < 2 || name.size() > 64 || name.front() == '-') return false;
  for (char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '-' && c != '_') return false;
  }
  return true;
}

// The workspace hands out the account's key, so who makes it must be allowed to.
Result<std::string> account_of(Registry& registry, const Context& context, const Json& properties) {
  const std::string id(properties["storageAccount"].str());
  if (id.empty())
    return invalid_argument("A workspace needs properties.storageAccount, the id of an account.",
                            "MissingStorageAccount");
  const core::ArmId parsed = TRY(core::ArmId::parse(id));
  const std::string account(parsed.name_of("storageAccounts"));
  auto owner = registry.storage().arm_id(account);
  if (account.empty() || !owner.ok() || !iequals(*owner, id))
    return invalid_argument(cat({"The storage account '", id.substr(0, 300), "' is not found."}),
                            "StorageAccountNotFound");
  auto allowed = registry.authorizer().authorize(
      context.principal(), {"Microsoft.Storage/storageAccounts/listKeys/action"}, *owner);
  if (!allowed.ok()) return permission_denied(allowed.error().message, "LinkedAuthorizationFailed");
  return account;
}

// Nothing: the workspace keeps what it has.
Result<std::optional<directory::WantedIdentity>> identity_in(Registry& registry,
                                                             const Context& context,
                                                             const Json& sent, const Json& before) {
  const auto change = context.head().method == http::Method::kPatch
                          ? directory::IdentityChange::kMerge
                          : directory::IdentityChange::kReplace;
  auto wanted = TRY(directory::read_identity(sent, before, change));
  if (!wanted) return wanted;
  if (!wanted->system_assigned && wanted->user_assigned.empty())
    return invalid_argument("A workspace needs an identity.", "InvalidIdentity");
  TRY(directory::check_assignable(registry.authorizer(), context.principal(), *wanted));
  return wanted;
}

// "Create Or Update" of a name that is new.
Answer create(Registry& registry, Context& context, const Json& body) {
  const std::string_view kind = body["kind"].str("Default");
  if (!iequals(kind, "Default"))
    return unimplemented(cat({"workspaces of kind '", kind.substr(0, 50),
                              "' (Workspaces_CreateOrUpdate) are known but not implemented yet"}));
  WorkspaceRow row;
  row.subscription = registry.installation().subscription_id;
  row.resource_group = context.param("rg");
  row.name = context.param("ws");
  row.location = core::region_of(body["location"].str());  // it is part of host names
  if (!is_workspace_name(row.name))
    return invalid_argument(cat({"'", row.name.substr(0, 100), "' is not a valid workspace name."}),
                            "InvalidWorkspaceName");
  TRY(registry.db().write([&](db::Tx& tx) {
    return core::check_group(registry.groups(), tx, {context.arm_id(), body["location"].str()});
  }));
  const Json& properties = body["properties"];
  row.storage_account = TRY(account_of(registry, context, properties));
  row.friendly_name = row.name;
  TRY(apply(body, row));
  row.settings = Json::object({{"storageAccount", properties["storageAccount"]}});
  for (std::string_view name : kSettings)
    if (properties.contains(name)) row.settings.set(name, properties[name]);
  const Json identity =
      body["identity"].is_null() ? Json::object({{"type", "SystemAssigned"}}) : body["identity"];
  const auto wanted = TRY(identity_in(registry, context, identity, Json()));
  row.system_data = touched(context, nullptr);
  row = TRY(registry.create(std::move(row), *wanted));
  return core::json_response(workspace_json(context, registry, row), 201);
}

Answer update(Registry& registry, Context& context, const WorkspaceRow& before) {
  const Json body = TRY(context.json());
  const auto identity =
      TRY(identity_in(registry, context, body["identity"], before.settings["identity"]));
  auto row = TRY(registry.db().write([&](db::Tx& tx) -> Result<WorkspaceRow> {
    auto found = TRY(
        store::find_workspace(tx, context.param("sub"), context.param("rg"), context.param("ws")));
    if (!found) return not_found("The workspace is gone.");
    const std::string id = arm_id(*found);
    core::Placement placement{id};
    if (!body["location"].str().empty()) {
      placement.location = body["location"].str();
      placement.location_before = found->location;
    }
    TRY(core::check_group(registry.groups(), tx, placement));
    TRY(apply(body, *found));
    if (identity) TRY(registry.give_identity(tx, *found, *identity));
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

Answer put_workspace(Registry& registry, Context& context) {
  auto found = workspace_of(registry, context);
  if (!found.ok() && found.error().code == Code::kNotFound)
    return create(registry, context, TRY(context.json()));
  WorkspaceRow row = TRY(std::move(found));
  TRY(registry.ensure_contents(row));  // a crash may have left it incomplete
  return update(registry, context, row);
}

Answer patch_workspace(Registry& registry, Context& context) {
  return update(registry, context, TRY(workspace_of(registry, context)));
}

// Workspaces_Delete. A workspace is not kept for recovery: `forceToPurge` changes nothing.
Answer delete_workspace(Registry& registry, Context& context) {
  const auto found = workspace_of(registry, context);
  if (!found.ok() && found.error().code == Code::kNotFound) return http::Response(204);
  const std::string id = arm_id(TRY(workspace_of(registry, context)));
  const std::string operation = TRY(registry.db().write([&](db::Tx& tx) -> Result<std::string> {
    TRY(core::publish_deleted(registry.events(), tx, id));
    std::string begun = TRY(registry.operations().begin(tx, id));
    TRY(registry.operations().finish(tx, begun, {}));
    return begun;
  }));
  http::Response response(202);
  core::add_polling_headers(context, operation, response);
  return response;
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
