// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "services/endpoints/handlers.h"

namespace lazuli::endpoints {
namespace {

constexpr Duration kTokenLifetime = std::chrono::hours(1);

Json present(const Context& context, const Endpoint& endpoint) {
  std::string host = cat({endpoint.name, ".", endpoint.location, ".inference.ml.azure"});
  Json properties = endpoint.properties;
  properties.set("authMode", endpoint.auth_mode)
      .set("traffic", endpoint.traffic)
      .set("mirrorTraffic", endpoint.mirror_traffic)
      .set("scoringUri", context.url(host, "/score"))
      .set("swaggerUri", context.url(host, "/swagger.json"))
      .set("provisioningState", "Succeeded");
  if (!properties["properties"].is_object()) properties.set("properties", Json::object());
  Json json = core::arm_envelope(endpoint_id(endpoint.workspace_id, endpoint.name),
                                 endpoint.system_data, std::move(properties));
  json.set("location", endpoint.location).set("tags", endpoint.tags);
  json.set("identity", endpoint.identity).set("kind", "Managed");
  return json;
}

// 3-32 characters: a letter, then letters, digits and single dashes.
Result<void> check_name(std::string_view name) {
  bool good = name.size() >= 3 && name.size() <= 32;
  char before = '-';
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    good = good && (letter || digit || c == '-') && !(c == '-' && before == '-');
    before = c;
  }
  char first = name.empty() ? '-' : name[0];
  good = good && before != '-' && !(first >= '0' && first <= '9');
  if (good) return {};
  return invalid_argument(cat({"'", name.substr(0, 64),
                               "' is not a valid endpoint name: 3-32 "
                               "letters, digits and single dashes, a letter first"}),
                          "InvalidEndpointName");
}

Result<std::string> read_auth_mode(const Json& properties) {
  std::string mode = properties["authMode"].text();
  for (std::string_view known : {"Key", "AMLToken", "AADToken"})
    if (iequals(mode, known)) return std::string(known);
  return invalid_argument(cat({"authMode '", mode, "' must be Key, AMLToken or AADToken"}));
}

// Percentages of existing deployments that sum to 0 or 100.
Result<Json> read_traffic(Manager& manager, const std::string& endpoint, const Json& traffic) {
  Json checked = Json::object();
  int64_t sum = 0;
  for (const auto& [name, percent] : traffic.members()) {
    if (!percent.is_integer() || percent.integer() < 0 || percent.integer() > 100)
      return invalid_argument(cat({"the traffic of '", name, "' must be a whole number, 0-100"}));
    sum += percent.integer();
    if (percent.integer() > 0 && !TRY(manager.store().deployment(endpoint, name)))
      return invalid_argument(cat(
          {"traffic names the deployment '", name, "', which does not exist in this endpoint"}));
    checked.set(name, percent);
  }
  if (sum != 0 && sum != 100)
    return invalid_argument(cat({"the traffic must sum to 0 or 100, not ", std::to_string(sum)}));
  return checked;
}

// An endpoint has an identity of its own unless it was asked for none. Nothing: it keeps what it
// has.
Result<std::optional<directory::WantedIdentity>> identity_in(Manager& manager,
                                                             const Context& context,
                                                             const Json& sent, const Json& before) {
  const bool usual = sent.is_null() && before.is_null();
  auto wanted =
      TRY(directory::read_identity(usual ? Json::object({{"type", "SystemAssigned"}}) : sent,
                                   before, directory::IdentityChange::kReplace));
  if (wanted) TRY(directory::check_assignable(manager.authorizer(), context.principal(), *wanted));
  return wanted;
}

Json object_or_empty(const Json& value) { return value.is_object() ? value : Json::object(); }

Json keys_json(const Manager::Keys& keys) {
  return Json::object(
      {{"primaryKey", keys.primary.expose()}, {"secondaryKey", keys.secondary.expose()}});
}

http::Response secret_response(const Json& json) {
  http::Response response = core::json_response(json);
  response.header("Cache-Control", "no-store");
  return response;
}

}  // namespace

Result<Endpoint> endpoint_of_path(Manager& manager, const Context& context) {
  std::string name = to_lower(context.param("endpoint"));
  auto endpoint = TRY(manager.store().endpoint(name));
  if (!endpoint || !iequals(endpoint->workspace_id, context.workspace_id()))
    return not_found(cat({"The online endpoint '", context.param("endpoint"),
                          "' does not exist in this workspace."}),
                     "ResourceNotFound");
  return *endpoint;
}

Answer list_endpoints(Manager& manager, Context& context) {
  std::string workspace = TRY(manager.peers().workspaces.get(context.workspace_id())).arm_id;
  Json::Array items;
  for (const Endpoint& endpoint : TRY(manager.store().endpoints()))
    if (iequals(endpoint.workspace_id, workspace)) items.push_back(present(context, endpoint));
  return core::json_response(core::arm_list(std::move(items)));
}

Answer get_endpoint(Manager& manager, Context& context) {
  return core::json_response(present(context, TRY(endpoint_of_path(manager, context))));
}

// Create or update. The client sends the whole endpoint to change its traffic.
Answer put_endpoint(Manager& manager, Context& context) {
  workspace::Workspace workspace = TRY(manager.peers().workspaces.get(context.workspace_id()));
  std::string name = to_lower(context.param("endpoint"));
  TRY(check_name(name));
  Json body = TRY(context.json());
  auto before = TRY(manager.store().endpoint(name));
  if (before && !iequals(before->workspace_id, workspace.arm_id))
    return conflict(cat({"the endpoint name '", name, "' is taken; choose another"}),
                    "EndpointNameTaken");
  Endpoint endpoint = before.value_or(Endpoint{});
  endpoint.workspace_id = workspace.arm_id;
  endpoint.name = name;
  endpoint.location = workspace.location;
  endpoint.properties = object_or_empty(body["properties"]);
  endpoint.auth_mode = TRY(read_auth_mode(endpoint.properties));
  endpoint.traffic = TRY(read_traffic(manager, name, endpoint.properties["traffic"]));
  endpoint.mirror_traffic = object_or_empty(endpoint.properties["mirrorTraffic"]);
  if (!endpoint.mirror_traffic.empty())
    return unimplemented("mirrored traffic is not implemented yet; send an empty mirrorTraffic");
  endpoint.tags = object_or_empty(body["tags"]);
  const auto identity = TRY(identity_in(manager, context, body["identity"], endpoint.identity));
  manager.renew_keys(endpoint, false, false);
  const std::string& by = context.principal().name();
  if (!before) endpoint.system_data = {by, by, now(), now()};
  endpoint.system_data.last_modified_by = by;
  endpoint.system_data.last_modified_at = now();
  const Manager::Written written = TRY(manager.put_endpoint(std::move(endpoint), identity));
  http::Response response =
      core::json_response(present(context, written.endpoint), before ? 200 : 201);
  core::add_polling_headers(context, written.operation, response);
  return response;
}

Answer delete_endpoint(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  std::string operation = TRY(manager.remove_endpoint(endpoint));
  http::Response response(202);
  core::add_polling_headers(context, operation, response);
  return response;
}

Answer list_keys(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  return secret_response(keys_json(TRY(manager.keys(endpoint))));
}

// {keyType: Primary|Secondary}; keyValue is the key being replaced, never the new one.
Answer regenerate_keys(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  std::string type = TRY(context.json())["keyType"].text();
  bool primary = iequals(type, "Primary"), secondary = iequals(type, "Secondary");
  if (!primary && !secondary) return invalid_argument("keyType must be Primary or Secondary");
  manager.renew_keys(endpoint, primary, secondary);
  const Manager::Written written = TRY(manager.put_endpoint(std::move(endpoint)));
  http::Response response(202);
  core::add_polling_headers(context, written.operation, response);
  return response;
}

Answer create_token(Manager& manager, Context& context) {
  TRY(core::refuse_limited(context.principal()));
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  identity::TokenRequest request;
  request.object_id = context.principal().object_id();
  request.audience = "https://ml.azure." + context.domain();
  request.lifetime = kTokenLifetime;
  std::string id = endpoint_id(endpoint.workspace_id, endpoint.name);
  request.grants = {{{std::string(kScoreOperation)}, id}};
  request.parent = &context.principal();
  SecretString token = TRY(manager.peers().identity.issue_token(request));
  int64_t expires = to_micros(now() + kTokenLifetime) / 1000000;
  return secret_response(Json::object({{"accessToken", token.expose()},
                                       {"tokenType", "Bearer"},
                                       {"expiryTimeUtc", expires},
                                       {"refreshAfterTimeUtc", expires - 600}}));
}

}  // namespace lazuli::endpoints
