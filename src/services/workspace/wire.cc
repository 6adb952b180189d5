// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/wire.h"

#include "base/strings.h"
#include "core/arm.h"
#include "core/tags.h"

namespace lazuli::workspace {
namespace {

constexpr size_t kTagsMax = 50;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Json credentials_json(CredentialsType type) {
  return Json::object({{"credentialsType", to_string(type)}});
}

}  // namespace

std::string to_string(CredentialsType type) {
  switch (type) {
    case CredentialsType::kNone:
      return "None";
    case CredentialsType::kAccountKey:
      return "AccountKey";
    case CredentialsType::kSas:
      return "Sas";
  }
  return "None";
}

std::string api_url(const core::RequestContext& context, const WorkspaceRow& workspace) {
  return context.url(workspace.location + ".api.ml.azure", "");
}

Json workspace_json(const core::RequestContext& context, const Registry& registry,
                    const WorkspaceRow& row) {
  const std::string id = arm_id(row);
  const std::string api = api_url(context, row);
  Json properties = Json::object({
      {"friendlyName", row.friendly_name},
      {"description", row.description},
      {"storageAccount", registry.storage_account_id(row)},
      {"keyVault", nullptr},
      {"applicationInsights", nullptr},
      {"containerRegistry", nullptr},
      {"hbiWorkspace", false},
      {"publicNetworkAccess", "Enabled"},
      {"provisioningState", "Succeeded"},
      {"workspaceId", row.guid},
      {"tenantId", registry.installation().tenant_id},
      {"discoveryUrl", api + "/discovery"},
      {"mlFlowTrackingUri", cat({"azureml", api.substr(api.find(':')), "/mlflow/v1.0", id})},
      {"storageHnsEnabled", false},
      {"v1LegacyMode", false},
      {"systemDatastoresAuthMode", "accessKey"},
  });
  for (const Json::Member& each : row.settings.members())
    if (each.key != "identity") properties.set(each.key, each.value);
  Json envelope = core::arm_envelope(id, row.system_data, std::move(properties));
  if (row.settings.contains("identity")) envelope.set("identity", row.settings["identity"]);
  envelope.set("kind", "Default");
  envelope.set("location", row.location);
  envelope.set("tags", row.tags);
  envelope.set("sku", Json::object({{"name", "Basic"}, {"tier", "Basic"}}));
  return envelope;
}

Json datastore_json(const core::RequestContext& context, const WorkspaceRow& workspace,
                    const DatastoreRow& row) {
  Json properties = Json::object({
      {"datastoreType", "AzureBlob"},
      {"description", row.description.empty() ? Json() : Json(row.description)},
      {"tags", row.tags},
      {"properties", row.properties},
      {"isDefault", row.is_default},
      {"accountName", row.account},
      {"containerName", row.container},
      {"endpoint", cat({"core.", context.domain(), context.port_suffix()})},
      {"protocol", "https"},
      {"serviceDataAccessAuthIdentity", "None"},
      {"subscriptionId", workspace.subscription},
      {"resourceGroup", workspace.resource_group},
      {"credentials", credentials_json(row.credentials)},
  });
  return core::arm_envelope(cat({arm_id(workspace), "/datastores/", row.name}), row.system_data,
                            std::move(properties));
}

Result<Json> parse_tags(const Json& tags) {
  if (tags.is_null()) return Json::object();
  if (!tags.is_object() || tags.size() > kTagsMax)
    return invalid_argument("tags must be an object of at most 50 strings",
                            "InvalidRequestContent");
  for (const auto& member : tags.members())
    if (!member.value.is_string() && !member.value.is_null())
      return invalid_argument(cat({"the tag '", member.key, "' is not a string"}),
                              "InvalidRequestContent");
  return tags;
}

Result<DatastoreInput> parse_datastore(const Json& body) {
  const Json& properties = body["properties"];
  std::string_view type = properties["datastoreType"].str();
  if (!iequals(type, "AzureBlob"))
    return unimplemented(
        cat({"Datastores of type '", type, "' are not available on this server."}));
  DatastoreInput input;
  DatastoreRow& row = input.row;
  row.account = properties["accountName"].str();
  row.container = properties["containerName"].str();
  if (row.account.empty() || row.container.empty())
    return invalid_argument("accountName and containerName are mandatory", "UserError");
  row.description = properties["description"].str();
  row.is_default = properties["isDefault"].boolean();
  row.tags = TRY(parse_tags(properties["tags"]));
  row.properties = TRY(parse_tags(properties["properties"]));

  const Json& credentials = properties["credentials"];
  const Json& secrets = credentials["secrets"];
  std::string_view kind = credentials["credentialsType"].str("None");
  if (iequals(kind, "None")) {
    row.credentials = CredentialsType::kNone;
  } else if (iequals(kind, "AccountKey")) {
    row.credentials = CredentialsType::kAccountKey;
    input.secret = SecretString(secrets["key"].str());
  } else if (iequals(kind, "Sas")) {
    row.credentials = CredentialsType::kSas;
    input.secret = SecretString(secrets["sasToken"].str());
  } else {
    return unimplemented(
        cat({"Datastore credentials of type '", kind, "' are not available on this server."}));
  }
  return input;
}

Json compute_json(const WorkspaceRow& workspace, const ComputeRow& row) {
  Json settings = Json::object({{"osType", "Linux"},
                                {"isolatedNetwork", false},
                                {"enableNodePublicIp", true},
                                {"remoteLoginPortPublicAccess", "NotSpecified"},
                                {"allocationState", "Steady"},
                                {"subnet", nullptr},
                                {"errors", nullptr}});
  settings.merge_patch(row.settings);
  Json properties = Json::object({
      {"computeType", "AmlCompute"},
      {"computeLocation", row.location},
      {"description", row.description.empty() ? Json() : Json(row.description)},
      {"provisioningState", "Succeeded"},
      {"provisioningErrors", nullptr},
      {"createdOn", format_iso8601(row.system_data.created_at)},
      {"modifiedOn", format_iso8601(row.system_data.last_modified_at)},
      {"resourceId", nullptr},
      {"isAttachedCompute", false},
      {"disableLocalAuth", true},
      {"properties", std::move(settings)},
  });
  Json envelope =
      core::arm_envelope(arm_id(workspace, row), row.system_data, std::move(properties));
  if (!row.identity.is_null()) envelope.set("identity", row.identity);
  envelope.set("location", row.location);
  envelope.set("tags", row.tags);
  return envelope;
}

Result<ComputeRow> parse_compute(const Json& body) {
  const Json& properties = body["properties"];
  std::string_view type = properties["computeType"].str();
  if (!iequals(type, "AmlCompute"))
    return unimplemented(cat({"Computes of type '", type, "' are not available on this server."}));
  ComputeRow row;
  row.location = body["location"].str();
  row.description = properties["description"].str();
  row.tags = TRY(core::checked_tags(body["tags"]));
  const Json& settings = properties["properties"];
  const Json& scale = settings["scaleSettings"];
  const int64_t low = scale["minNodeCount"].integer(0), high = scale["maxNodeCount"].integer(1);
  if (low < 0 || high < low)
    return invalid_argument("scaleSettings must satisfy 0 <= minNodeCount <= maxNodeCount",
                            "BadArgument");
  for (std::string_view key : {"vmSize", "vmPriority", "scaleSettings", "osType",
                               "remoteLoginPortPublicAccess", "enableNodePublicIp"})
    if (settings.contains(key)) row.settings.set(key, settings[key]);
  return row;
}

// 1 to 255 of [a-zA-Z0-9_], not beginning with '_'.
Result<void> check_datastore_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= 255 && name.front() != '_';
  for (char c : name) good = good && (is_alnum(c) || c == '_');
  if (good) return {};
  return invalid_argument(
      cat({"'", name.substr(0, 300),
           "' is not a valid datastore name: use 1 to 255 letters, digits and underscores"}),
      "UserError");
}

// 2 to 32 of [a-zA-Z0-9-], beginning with a letter, not ending in '-'.
Result<void> check_compute_name(std::string_view name) {
  bool good = name.size() >= 2 && name.size() <= 32 && is_alnum(name.front()) &&
              !(name.front() >= '0' && name.front() <= '9') && name.back() != '-';
  for (char c : name) good = good && (is_alnum(c) || c == '-');
  if (good) return {};
  return invalid_argument(cat({"'", name.substr(0, 100),
                               "' is not a valid compute name: use 2 to 32 letters, digits and "
                               "hyphens, a letter first"}),
                          "UserError");
}

}  // namespace lazuli::workspace
