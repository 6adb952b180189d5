// SPDX-License-Identifier: Apache-2.0
#include "services/assets/registry.h"

#include "base/strings.h"
#include "codec/yaml.h"
#include "services/assets/reference.h"

namespace lazuli::assets {
namespace {

constexpr size_t kMlmodelBytesMax = 1u << 20;
constexpr size_t kListMax = 1000;
// The prefix under which the compute engine knows environments of the public registry by name.
constexpr std::string_view kPublicEnvironments = "azureml://registries/azureml/environments/";

// Curated environments live in the public registry; here they are known by name alone.
AssetVersion public_environment(std::string_view workspace_id, const Reference& reference) {
  std::string version = reference.version.empty() ? "latest" : reference.version;
  std::string id = cat({kPublicEnvironments, reference.name, "/versions/", version});
  return {Kind::kEnvironment,
          std::string(workspace_id),
          reference.name,
          version,
          id,
          Json::object({{"image", cat({kPublicEnvironments, reference.name})}})};
}

Error missing(const KindInfo& kind, const Reference& reference) {
  std::string version =
      reference.version.empty() ? cat({"@", reference.label}) : cat({":", reference.version});
  return not_found(cat({"The ", kind.singular, " '", reference.name, version,
                        "' does not exist in this workspace. Create it first, or list what is "
                        "there under ",
                        kind.collection, "."}),
                   "ResourceNotFound");
}

// azureml://datastores/{d}/paths/{p} → its long form, which survives outside the workspace.
std::string canonical_uri(std::string_view workspace_id, std::string_view uri,
                          const workspace::Workspaces& workspaces) {
  constexpr std::string_view kShort = "azureml://datastores/", kSecure = "https://";
  if (istarts_with(uri, kSecure)) {
    // The server may be met on another port tomorrow: the address is kept without one.
    size_t end = std::min(uri.find('/', kSecure.size()), uri.size());
    size_t colon = uri.substr(0, end).find(':', kSecure.size());
    if (colon == std::string_view::npos) return std::string(uri);
    return cat({uri.substr(0, colon), uri.substr(end)});
  }
  if (!istarts_with(uri, kShort)) return std::string(uri);
  std::string_view rest = uri.substr(kShort.size());
  size_t paths = rest.find("/paths/");
  if (paths == std::string_view::npos) return std::string(uri);
  return workspaces.datastore_uri(workspace_id, rest.substr(0, paths), rest.substr(paths + 7));
}

// A conda file is text to clients; what is no YAML mapping is said now, not when a job needs it.
Result<void> check_conda_file(const Json& properties) {
  const Json& conda = properties["condaFile"];
  if (conda.is_null() || conda.text().empty()) return {};
  auto parsed = parse_yaml(conda.text());
  if (!parsed.ok())
    return invalid_argument(cat({"condaFile is no valid YAML: ", parsed.error().message}),
                            "UserError");
  if (!parsed->is_object())
    return invalid_argument("condaFile must be a mapping with a list `dependencies`", "UserError");
  return {};
}

}  // namespace

std::string version_id(const VersionKey& key) {
  return cat(
      {key.workspace, "/", info(key.kind).collection, "/", key.name, "/versions/", key.version});
}

AssetVersion present(const StoredVersion& stored) {
  return {stored.key.kind,    stored.key.workspace,   stored.key.name,
          stored.key.version, version_id(stored.key), stored.properties};
}

Result<AssetVersion> Registry::find(std::string_view workspace_id, Kind kind,
                                    std::string_view text) {
  const KindInfo& kind_info = info(kind);
  Reference reference = TRY(parse_reference(kind_info, text));
  std::string workspace(workspace_id);
  if (reference.registry.empty()) {
    std::optional<StoredVersion> found;
    if (!reference.version.empty() && reference.version != "azureml_default")
      found = TRY(store_.find({workspace, kind, reference.name, reference.version}));
    else if (!reference.version.empty() || iequals(reference.label, "latest"))
      found = TRY(store_.latest(workspace, kind, reference.name));
    if (found) return present(*found);
  }
  bool curated = iequals(reference.registry, "azureml") ||
                 (reference.registry.empty() && istarts_with(reference.name, "AzureML-"));
  if (kind == Kind::kEnvironment && curated) return public_environment(workspace_id, reference);
  return missing(kind_info, reference);
}

Result<std::vector<AssetVersion>> Registry::list(std::string_view workspace_id, Kind kind) {
  std::vector<AssetVersion> all;
  for (const StoredVersion& stored : TRY(store_.all(std::string(workspace_id), kind, kListMax)))
    all.push_back(present(stored));
  return all;
}

Result<StoredVersion> Registry::get(const VersionKey& key) {
  bool newest = key.version == "azureml_default";
  auto found =
      newest ? TRY(store_.latest(key.workspace, key.kind, key.name)) : TRY(store_.find(key));
  if (!found) return missing(info(key.kind), {"", key.name, key.version, ""});
  return *found;
}

Result<NewVersion> Registry::prepare(NewVersion wanted, const workspace::Authority& authority) {
  const KindInfo& kind = info(wanted.kind);
  TRY(check_asset_name(kind.singular, wanted.name));
  if (!wanted.version.empty()) TRY(check_asset_name("version", wanted.version));
  wanted.properties =
      TRY(complete_properties(kind, wanted.name, wanted.version, std::move(wanted.properties)));
  if (!kind.uri.empty()) TRY(prepare_uri(wanted, authority));
  if (wanted.kind == Kind::kEnvironment) TRY(check_conda_file(wanted.properties));
  if (wanted.kind == Kind::kModel && wanted.properties["modelType"].str() == "mlflow_model" &&
      wanted.properties["flavors"].empty())
    TRY(read_flavors(wanted, authority));
  return wanted;
}

Result<void> Registry::prepare_uri(NewVersion& wanted, const workspace::Authority& authority) {
  const KindInfo& kind = info(wanted.kind);
  Json& value = wanted.properties[kind.uri];
  if (!value.is_string())
    return invalid_argument(cat({kind.uri, " must be a string"}), "InvalidAssetUri");
  value = canonical_uri(wanted.workspace_id, value.str(), workspaces_);
  bool ours = istarts_with(value.str(), "azureml://") || kind.kind == Kind::kCode;
  if (ours) TRY(workspaces_.resolve_uri(wanted.workspace_id, value.str(), authority));
  return {};
}

Result<void> Registry::read_flavors(NewVersion& wanted, const workspace::Authority& authority) {
  storage::BlobPath path = TRY(
      workspaces_.resolve_uri(wanted.workspace_id, wanted.properties["modelUri"].str(), authority));
  path.name += path.name.ends_with('/') ? "MLmodel" : "/MLmodel";
  auto reader = storage_.open(path);
  if (!reader.ok()) return {};  // files may follow later, or lie below another name
  std::string text((*reader)->size(), '\0');
  if (text.size() > kMlmodelBytesMax) return {};
  TRY((*reader)->read(0, std::as_writable_bytes(std::span(text))));
  Json mlmodel = TRY(parse_yaml(text));
  Json flavors = Json::object();
  for (const auto& [name, value] : mlmodel["flavors"].members())
    flavors.set(name, Json::object({{"data", value}}));
  wanted.properties.set("flavors", std::move(flavors));
  return {};
}

Result<Registry::Stored> Registry::put(db::Tx& tx, const NewVersion& prepared,
                                       const std::string& by) {
  VersionKey key{prepared.workspace_id, prepared.kind, prepared.name, prepared.version};
  Json properties = prepared.properties;
  if (key.version.empty()) {
    key.version = TRY(store_.next_version(tx, key.workspace, key.kind, key.name));
    properties =
        TRY(complete_properties(info(key.kind), key.name, key.version, std::move(properties)));
  }
  Timestamp time = now();
  bool properties_anonymous = properties["isAnonymous"].boolean();
  Stored stored{{key, std::move(properties), {by, by, time, time}}, true};
  if (auto before = TRY(store_.find_in(tx, key))) {
    // An anonymous version's name is made of its content: meeting it again changes nothing.
    if (before->properties["isAnonymous"].boolean() && properties_anonymous) return Stored{*before};
    TRY(check_unchanged(info(key.kind), key.name, key.version, before->properties,
                        stored.version.properties));
    stored.version.system_data.created_at = before->system_data.created_at;
    stored.version.system_data.created_by = before->system_data.created_by;
    stored.created = false;
  }
  TRY(store_.put(tx, stored.version));
  return stored;
}

}  // namespace lazuli::assets
