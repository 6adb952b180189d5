// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/registry.h"

#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "core/groups.h"
#include "services/workspace/data_uri.h"
#include "services/workspace/store.h"

namespace lazuli::workspace {
namespace {

constexpr std::string_view kProvider = "Microsoft.MachineLearningServices";
constexpr const char* kBlobDatastore = "workspaceblobstore";
constexpr const char* kArtifactDatastore = "workspaceartifactstore";
constexpr const char* kArtifactContainer = "azureml";
constexpr const char* kSystem = "lazuli";

core::SystemData made_by(const std::string& who) {
  const Timestamp time = now();
  return {who, who, time, time};
}

Error no_resource(std::string_view type, std::string_view name, std::string_view group) {
  return not_found(cat({"The Resource '", kProvider, "/", type, "/", name,
                        "' under resource group '", group, "' was not found."}));
}

directory::WantedIdentity system_assigned() { return {"SystemAssigned", true, {}}; }

Datastore datastore_of(const DatastoreRow& row) {
  return {row.name, row.account, row.container, row.is_default};
}

// This machine, which runs every job, in the words of a cluster of one node.
Json local_settings() {
  return Json::object({{"osType", "Linux"},
                       {"vmSize", "Local"},
                       {"vmPriority", "Dedicated"},
                       {"scaleSettings", Json::object({{"minNodeCount", 0},
                                                       {"maxNodeCount", 1},
                                                       {"nodeIdleTimeBeforeScaleDown", "PT2M"}})}});
}

ComputeRow serverless_of(const WorkspaceRow& workspace) {
  ComputeRow row;
  row.workspace = workspace.id;
  row.name = kServerless;
  row.location = workspace.location;
  row.description = "Runs jobs that name no compute on this machine.";
  row.settings = local_settings();
  row.system_data = workspace.system_data;
  return row;
}

}  // namespace

std::string arm_id(const WorkspaceRow& row) {
  return cat({"/subscriptions/", row.subscription, "/resourceGroups/", row.resource_group,
              "/providers/", kProvider, "/workspaces/", row.name});
}

std::string arm_id(const WorkspaceRow& workspace, const ComputeRow& row) {
  return cat({arm_id(workspace), "/computes/", row.name});
}

Registry::Registry(const core::ServiceContext& context, storage::Storage& storage,
                   directory::Identities& identities)
    : installation_(context.installation),
      db_(context.db),
      operations_(context.operations),
      events_(context.events),
      groups_(context.groups),
      vault_(context.vault),
      authorizer_(context.authorizer),
      storage_(storage),
      identities_(identities) {}

std::string Registry::storage_account_id(const WorkspaceRow& workspace) const {
  if (const Json* id = workspace.settings.find("storageAccount")) return std::string(id->str());
  return cat({"/subscriptions/", workspace.subscription, "/resourceGroups/",
              workspace.resource_group, "/providers/Microsoft.Storage/storageAccounts/",
              workspace.storage_account});
}

Result<void> Registry::ensure_default() {
  const core::Installation& home = installation_;
  auto row = TRY(db_.write([&](db::Tx& tx) -> Result<WorkspaceRow> {
    auto found =
        TRY(store::find_workspace(tx, home.subscription_id, home.resource_group, home.workspace));
    if (found) return std::move(*found);
    WorkspaceRow made;
    made.subscription = home.subscription_id;
    made.resource_group = home.resource_group;
    made.name = home.workspace;
    made.location = home.region;
    made.guid = new_uuid();
    made.storage_account = home.storage_account;
    made.friendly_name = home.workspace;
    made.system_data = made_by(kSystem);
    TRY(give_identity(tx, made, system_assigned()));
    TRY(store::insert_workspace(tx, made));
    return made;
  }));
  TRY(ensure_identities());
  return ensure_contents(row);
}

// Those that were made when an identity was no principal yet get one.
Result<void> Registry::ensure_identities() {
  return db_.write([&](db::Tx& tx) -> Result<void> {
    auto rows = TRY(store::list_workspaces(tx, installation_.subscription_id, {}));
    for (WorkspaceRow& row : rows) {
      const Json& identity = std::as_const(row.settings)["identity"];
      const bool user_assigned = iequals(identity["type"].str(), "UserAssigned");
      if (user_assigned || identity.contains("principalId")) continue;
      TRY(give_identity(tx, row, system_assigned()));
      TRY(store::update_workspace(tx, row));
    }
    return {};
  });
}

Result<void> Registry::give_identity(db::Tx& tx, WorkspaceRow& row,
                                     const directory::WantedIdentity& wanted) {
  row.settings.set("identity", TRY(identities_.assign_identity(tx, arm_id(row), wanted)));
  return {};
}

// Account, containers, datastores and compute; each is left alone where it is there already.
Result<void> Registry::ensure_contents(const WorkspaceRow& workspace) {
  const std::string& account = workspace.storage_account;
  const std::string blob_container = "azureml-blobstore-" + workspace.guid;
  // The installation's own is made here; others are resources of their own, and may be gone.
  if (account == installation_.storage_account)
    TRY(storage_.ensure_account(account, storage_account_id(workspace)));
  TRY(storage_.arm_id(account));
  TRY(storage_.ensure_container(account, blob_container));
  TRY(storage_.ensure_container(account, kArtifactContainer));
  return db_.write([&](db::Tx& tx) -> Result<void> {
    auto ensure_datastore = [&](const char* name, const std::string& container,
                                bool is_default) -> Result<void> {
      if (TRY(store::find_datastore(tx, workspace.id, name))) return {};
      DatastoreRow row;
      row.workspace = workspace.id;
      row.name = name;
      row.account = account;
      row.container = container;
      row.is_default = is_default;
      row.system_data = workspace.system_data;
      TRY(store::put_datastore(tx, row));
      return {};
    };
    const bool first = TRY(store::list_datastores(tx, workspace.id)).empty();
    TRY(ensure_datastore(kBlobDatastore, blob_container, first));
    TRY(ensure_datastore(kArtifactDatastore, kArtifactContainer, false));
    if (first) {
      ComputeRow compute = serverless_of(workspace);
      compute.name = kDefaultCompute;
      compute.description = "Runs jobs on this machine.";
      TRY(store::put_compute(tx, compute));
    }
    return {};
  });
}

Result<WorkspaceRow> Registry::create(WorkspaceRow row, const directory::WantedIdentity& identity) {
  row.guid = new_uuid();
  row = TRY(db_.write([&](db::Tx& tx) -> Result<WorkspaceRow> {
    auto found = TRY(store::find_workspace(tx, row.subscription, row.resource_group, row.name));
    if (found) return std::move(*found);  // made meanwhile by another request
    TRY(core::check_group(groups_, tx, {arm_id(row), row.location}));
    WorkspaceRow made = row;
    TRY(give_identity(tx, made, identity));
    TRY(store::insert_workspace(tx, made));
    return made;
  }));
  TRY(ensure_contents(row));
  return row;
}

Result<void> Registry::remove_at(db::Tx& caller, const std::string& resource_id) {
  db::Tx& tx = db_.join(caller);
  const auto rows = TRY(store::list_workspaces(tx, installation_.subscription_id, {}));
  for (const WorkspaceRow& row : rows) {
    if (!core::scope_covers(resource_id, arm_id(row))) continue;
    const bool is_home = iequals(row.resource_group, installation_.resource_group) &&
                         iequals(row.name, installation_.workspace);
    if (is_home)
      return conflict(cat({"The workspace '", row.name,
                           "' is the one that the installation was made with and stays."}),
                      "WorkspaceDeletionBlocked");
    TRY(store::delete_workspace(tx, row.id));
  }
  return {};
}

Result<WorkspaceRow> Registry::find(std::string_view subscription, std::string_view group,
                                    std::string_view name) {
  auto row = TRY(db_.read(
      [&](db::Reader& db) { return store::find_workspace(db, subscription, group, name); }));
  if (!row) return no_resource("workspaces", name, group);
  return std::move(*row);
}

Result<WorkspaceRow> Registry::find_by_id(std::string_view id) {
  auto parsed = TRY(core::ArmId::parse(id));
  std::string_view name = parsed.name_of("workspaces");
  if (name.empty() || !iequals(parsed.provider, kProvider))
    return not_found(cat({"'", id.substr(0, 300), "' is not the id of a workspace."}));
  return find(parsed.subscription, parsed.resource_group, name);
}

Result<DatastoreRow> Registry::find_datastore(const WorkspaceRow& workspace,
                                              std::string_view name) {
  auto row =
      TRY(db_.read([&](db::Reader& db) { return store::find_datastore(db, workspace.id, name); }));
  if (!row)
    return not_found(cat({"The datastore '", name.substr(0, 200), "' was not found in workspace '",
                          workspace.name, "'."}));
  return std::move(*row);
}

Result<ComputeRow> Registry::find_compute(const WorkspaceRow& workspace, std::string_view name) {
  if (iequals(name, kServerless)) return serverless_of(workspace);
  auto row =
      TRY(db_.read([&](db::Reader& db) { return store::find_compute(db, workspace.id, name); }));
  if (!row)
    return not_found(
        cat({"The compute '", name.substr(0, 200), "' was not found in workspace '", workspace.name,
             "'. Use '", kDefaultCompute, "', leave the compute out, or create it first."}),
        "ComputeNotFound");
  return std::move(*row);
}

Result<std::vector<ComputeRow>> Registry::computes(const WorkspaceRow& workspace) {
  auto rows = TRY(db_.read([&](db::Reader& db) { return store::list_computes(db, workspace.id); }));
  rows.push_back(serverless_of(workspace));
  return rows;
}

Result<Workspace> Registry::get(std::string_view id) {
  WorkspaceRow row = TRY(find_by_id(id));
  return Workspace{arm_id(row), row.name, row.location, row.guid, row.storage_account};
}

Result<Datastore> Registry::datastore(std::string_view workspace_id, std::string_view name) {
  WorkspaceRow workspace = TRY(find_by_id(workspace_id));
  DatastoreRow row = TRY(find_datastore(workspace, name));
  return datastore_of(row);
}

Result<Datastore> Registry::default_datastore(std::string_view workspace_id) {
  WorkspaceRow workspace = TRY(find_by_id(workspace_id));
  auto rows =
      TRY(db_.read([&](db::Reader& db) { return store::list_datastores(db, workspace.id); }));
  for (const DatastoreRow& row : rows)
    if (row.is_default) return datastore_of(row);
  return not_found(cat({"Workspace '", workspace.name, "' has no default datastore."}));
}

Result<void> Registry::check_authority(const WorkspaceRow& workspace, std::string_view text,
                                       const storage::BlobPath& path, const Authority& authority) {
  const bool upload = path.account == workspace.storage_account &&
                      path.container.starts_with(kUploadContainerPrefix);
  if (authority.caller() == nullptr || upload) return {};
  auto allowed = storage_.authorize(*authority.caller(), path, authority.access());
  if (allowed.ok()) return {};
  return with_context(cat({"The data reference '", text.substr(0, 300), "'"}), allowed.error());
}

// A datastore without credentials is used as the caller.
Result<storage::BlobPath> Registry::in_datastore(const WorkspaceRow& workspace,
                                                 std::string_view name, std::string path,
                                                 const Authority& authority) {
  DatastoreRow row = TRY(find_datastore(workspace, name));
  storage::BlobPath place{row.account, row.container, std::move(path)};
  if (row.credentials == CredentialsType::kNone)
    TRY(check_authority(workspace, cat({"in the datastore ", row.name}), place, authority));
  return place;
}

Result<storage::BlobPath> Registry::resolve_uri(std::string_view workspace_id,
                                                std::string_view text, const Authority& authority) {
  WorkspaceRow workspace = TRY(find_by_id(workspace_id));
  DataUri uri = TRY(parse_data_uri(text));
  switch (uri.kind) {
    case DataUri::Kind::kDatastore: {
      const bool here =
          uri.workspace.empty() || (iequals(uri.workspace, workspace.name) &&
                                    iequals(uri.resource_group, workspace.resource_group) &&
                                    iequals(uri.subscription, workspace.subscription));
      if (!here)
        return invalid_argument(cat({"The data reference '", text.substr(0, 300),
                                     "' is of another workspace than '", workspace.name, "'."}));
      return in_datastore(workspace, uri.datastore, std::move(uri.path), authority);
    }
    case DataUri::Kind::kJobOutput: {
      // Where jobs put what names no place of its own.
      if (iequals(uri.output, "artifacts") || iequals(uri.output, "default"))
        return in_datastore(workspace, kArtifactDatastore,
                            cat({"ExperimentRun/dcid.", uri.job, "/", uri.path}), authority);
      Datastore home = TRY(default_datastore(workspace_id));
      return storage::BlobPath{home.account, home.container,
                               cat({"azureml/", uri.job, "/", uri.output, "/", uri.path})};
    }
    case DataUri::Kind::kBlob: {
      if (uri.host_suffix != "core." + installation_.domain)
        return invalid_argument(cat({"The data reference '", text.substr(0, 300),
                                     "' is on a foreign host; upload the data to a datastore."}));
      TRY(storage_.arm_id(uri.account));
      storage::BlobPath path{uri.account, uri.container, std::move(uri.path)};
      TRY(check_authority(workspace, text, path, authority));
      return path;
    }
  }
  return internal_error("unknown kind of data reference");
}

std::string Registry::datastore_uri(std::string_view workspace_id, std::string_view datastore,
                                    std::string_view path) const {
  auto parsed = core::ArmId::parse(workspace_id);
  CHECK(parsed.ok());
  return cat({"azureml://subscriptions/", parsed->subscription, "/resourcegroups/",
              parsed->resource_group, "/workspaces/", parsed->name_of("workspaces"), "/datastores/",
              datastore, "/paths/", path});
}

Result<void> Registry::check_compute(std::string_view workspace_id, std::string_view compute) {
  WorkspaceRow workspace = TRY(find_by_id(workspace_id));
  if (istarts_with(compute, "azureml:")) compute.remove_prefix(std::string_view("azureml:").size());
  if (compute.empty()) return {};
  if (compute.front() == '/') {
    auto parsed = TRY(core::ArmId::parse(compute));
    const bool here = iequals(parsed.subscription, workspace.subscription) &&
                      iequals(parsed.resource_group, workspace.resource_group) &&
                      iequals(parsed.name_of("workspaces"), workspace.name);
    if (!here || parsed.name_of("computes").empty())
      return not_found(cat({"'", compute.substr(0, 300), "' is no compute of workspace '",
                            workspace.name, "'."}),
                       "ComputeNotFound");
    TRY(find_compute(workspace, parsed.name_of("computes")));
    return {};
  }
  TRY(find_compute(workspace, compute));
  return {};
}

}  // namespace lazuli::workspace
