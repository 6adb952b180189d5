// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/azureml/datastores; azure-ai-ml
// operations/_datastore_operations.py, _artifacts/_artifact_utilities.py (get_datastore_info)
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "core/events.h"
#include "services/workspace/handlers.h"
#include "services/workspace/store.h"
#include "services/workspace/wire.h"

namespace lazuli::workspace {
namespace {

constexpr int64_t kSasHoursMax = 24 * 7;
// Read, create, write, list: what transfers need. Deleting stays with roles and the key.
constexpr const char* kSasPermissions = "rcwl";

std::string seal_context(int64_t workspace, std::string_view name) {
  return cat({"workspace.datastore_sas/", std::to_string(workspace), "/", to_lower(name)});
}

// Jobs read and write a datastore's container, so its maker must be allowed to.
Result<void> check_maker(Registry& registry, const Context& context, const std::string& account_id,
                         const std::string& container) {
  const std::string scope = cat({account_id, "/blobServices/default/containers/", container});
  for (std::string_view verb : {"read", "write"}) {
    core::Operation operation{
        cat({"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/", verb}), true};
    TRY(registry.authorizer().authorize(context.principal(), operation, scope));
  }
  return {};
}

// A key is accepted where it is the account's own; only then may the datastore hand it out again.
Result<void> check_secret(Registry& registry, const Context& context, DatastoreInput& input) {
  DatastoreRow& row = input.row;
  auto known = registry.storage().arm_id(row.account);
  if (!known.ok())
    return invalid_argument(
        cat({"There is no storage account '", row.account,
             "' on this server; only blob containers of its own accounts can be datastores."}),
        "UserError");
  if (row.credentials != CredentialsType::kAccountKey)
    TRY(check_maker(registry, context, *known, row.container));
  if (row.credentials == CredentialsType::kNone) return {};
  if (input.secret.empty()) return invalid_argument("the credentials hold no secret", "UserError");
  if (row.credentials == CredentialsType::kSas) {
    row.sealed_sas =
        registry.vault().seal(seal_context(row.workspace, row.name), input.secret.expose());
    return {};
  }
  SecretString key = TRY(registry.storage().account_key(row.account));
  if (!equal_constant_time(key.expose(), input.secret.expose()))
    return invalid_argument(cat({"This is not a key of storage account '", row.account, "'."}),
                            "UserError");
  return {};
}

Result<Json> sas_secret(Registry& registry, const DatastoreRow& row, Duration lifetime) {
  storage::SasOptions options;
  options.permissions = kSasPermissions;
  options.lifetime = lifetime;
  std::string token = TRY(registry.storage().make_sas({row.account, row.container, {}}, options));
  return Json::object({{"secretsType", "Sas"}, {"sasToken", std::move(token)}});
}

}  // namespace

Answer get_datastore(Registry& registry, Context& context) {
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  DatastoreRow row = TRY(registry.find_datastore(workspace, context.param("name")));
  return core::json_response(datastore_json(context, workspace, row));
}

// isDefault, names and count narrow the list.
Answer list_datastores(Registry& registry, Context& context) {
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  core::Page page = TRY(core::page_of(context));
  auto rows = TRY(
      registry.db().read([&](db::Reader& db) { return store::list_datastores(db, workspace.id); }));
  if (auto wanted = context.query("isDefault"); wanted && !wanted->empty())
    std::erase_if(
        rows, [&](const DatastoreRow& row) { return row.is_default != iequals(*wanted, "true"); });
  Json::Array items;
  for (size_t i = page.skip; i < rows.size() && items.size() < page.top; ++i)
    items.push_back(datastore_json(context, workspace, rows[i]));
  const bool more = page.skip + items.size() < rows.size();
  return core::json_response(
      core::arm_list(std::move(items), more ? core::next_link(context, page) : std::string()));
}

Answer put_datastore(Registry& registry, Context& context) {
  const std::string& name = context.param("name");
  TRY(check_datastore_name(name));
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  Json body = TRY(context.json());
  DatastoreInput input = TRY(parse_datastore(body));
  input.row.workspace = workspace.id;
  input.row.name = name;
  TRY(check_secret(registry, context, input));
  bool is_new = TRY(registry.db().write([&](db::Tx& tx) -> Result<bool> {
    auto before = TRY(store::find_datastore(tx, workspace.id, name));
    input.row.system_data = touched(context, before ? &before->system_data : nullptr);
    if (before && before->is_default) input.row.is_default = true;
    return store::put_datastore(tx, input.row);
  }));
  return core::json_response(datastore_json(context, workspace, input.row), is_new ? 201 : 200);
}

// The reference goes, the data stays.
Answer delete_datastore(Registry& registry, Context& context) {
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  bool deleted = TRY(registry.db().write([&](db::Tx& tx) -> Result<bool> {
    auto before = TRY(store::find_datastore(tx, workspace.id, context.param("name")));
    if (before && (before->is_default || iequals(before->name, "workspaceartifactstore")))
      return conflict("The workspace's own datastores cannot be deleted.", "UserError");
    const bool deleted = TRY(store::delete_datastore(tx, workspace.id, context.param("name")));
    if (deleted) TRY(core::publish_deleted(registry.events(), tx, context.arm_id()));
    return deleted;
  }));
  return http::Response(deleted ? 200 : 204);
}

// {"expirableSecret":true,"expireAfterHours":1} asks for a SAS; clients before 1.18 send nothing
// and expect the key.
Answer list_datastore_secrets(Registry& registry, Context& context) {
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  DatastoreRow row = TRY(registry.find_datastore(workspace, context.param("name")));
  Json body = context.body().empty() ? Json::object() : TRY(context.json());
  Json secrets;
  switch (row.credentials) {
    case CredentialsType::kNone:
      return invalid_argument(
          cat({"The datastore '", row.name, "' has no credentials: it is used as the caller."}),
          "UserError");
    case CredentialsType::kSas: {
      SecretString sas =
          TRY(registry.vault().open(seal_context(row.workspace, row.name), row.sealed_sas));
      secrets = Json::object({{"secretsType", "Sas"}, {"sasToken", sas.expose()}});
      break;
    }
    case CredentialsType::kAccountKey:
      if (body["expirableSecret"].boolean()) {
        const int64_t hours = body["expireAfterHours"].integer(1);
        const auto asked = std::chrono::hours(std::clamp<int64_t>(hours, 1, kSasHoursMax));
        secrets = TRY(sas_secret(registry, row, core::lifetime_within(context.principal(), asked)));
      } else {
        SecretString key = TRY(registry.storage().account_key(row.account));
        secrets = Json::object({{"secretsType", "AccountKey"}, {"key", key.expose()}});
      }
  }
  return core::json_response(secrets);
}

}  // namespace lazuli::workspace
