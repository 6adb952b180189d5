// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/deployments/create-or-update
#include "services/resources/deployment_input.h"

#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"
#include "crypto/digest.h"
#include "engines/template/ids.h"
#include "engines/template/parameters.h"
#include "services/resources/providers.h"

namespace lazuli::resources {
namespace {

using templates::ScopeKind;

// 1-64 characters: letters, digits, '_', '-', '.', '(' and ')'.
bool is_deployment_name(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  for (char c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("_-.()").find(c) == std::string_view::npos) return false;
  }
  return true;
}

Json environment_json(const core::Installation& installation, uint16_t port) {
  const std::string suffix =
      installation.domain + (port == 443 ? std::string() : ":" + std::to_string(port));
  const auto url = [&](std::string_view host) { return cat({"https://", host, ".", suffix}); };
  return Json::object(
      {{"name", installation.cloud_name},
       {"gallery", url("gallery")},
       {"graph", url("graph") + "/"},
       {"graphAudience", url("graph") + "/"},
       {"portal", url("portal.azure")},
       {"resourceManager", url("management") + "/"},
       {"authentication", Json::object({{"loginEndpoint", url("login") + "/"},
                                        {"audiences", Json::array({Json(url("management") + "/")})},
                                        {"tenant", "common"},
                                        {"identityProvider", "AAD"}})},
       {"suffixes", Json::object({{"storage", "core." + suffix},
                                  {"keyvaultDns", ".vault." + suffix},
                                  {"acrLoginServer", ".cr." + suffix}})}});
}

struct Surroundings {
  const Parts& parts;
  const core::Principal& caller;
  const Scope& scope;
  const std::string& name;
  uint16_t port;
};

templates::Facts facts_of(const Surroundings& at, const Json& source, const std::string& mode) {
  const core::Installation& installation = at.parts.installation;
  templates::Facts facts;
  facts.scope = at.scope.kind;
  facts.subscription_id = at.scope.subscription;
  facts.resource_group = at.scope.group;
  facts.management_group = at.scope.management_group;
  facts.resource_group_json = at.scope.group_json;
  if (!at.scope.subscription.empty())
    facts.subscription_json =
        Json::object({{"id", "/subscriptions/" + installation.subscription_id},
                      {"subscriptionId", installation.subscription_id},
                      {"tenantId", installation.tenant_id},
                      {"displayName", installation.cloud_name}});
  facts.tenant_json = Json::object({{"id", "/tenants/" + installation.tenant_id},
                                    {"tenantId", installation.tenant_id},
                                    {"displayName", installation.cloud_name}});
  if (at.scope.kind == ScopeKind::kManagementGroup)
    facts.management_group_json = Json::object({{"id", at.scope.id()},
                                                {"name", at.scope.management_group},
                                                {"type", "Microsoft.Management/managementGroups"}});
  facts.deployment_json =
      Json::object({{"name", at.name},
                    {"properties", Json::object({{"template", source},
                                                 {"templateHash", template_hash(source)},
                                                 {"mode", mode},
                                                 {"provisioningState", "Accepted"}})}});
  facts.environment_json = environment_json(installation, at.port);
  facts.deployer_json = Json::object({{"objectId", at.caller.object_id()},
                                      {"tenantId", at.caller.tenant_id()},
                                      {"userPrincipalName", at.caller.name()}});
  facts.providers = providers_json(at.parts);
  facts.time = now();
  return facts;
}

// Built-in roles by name, where a template asks for one.
Result<Json> roles_for(const Surroundings& at, const Json& source) {
  if (to_lower(source.dump()).find("roledefinitions('") == std::string::npos) return Json::array();
  http::Response answer = at.parts.dispatcher->send(
      at.caller, {.target = "/providers/Microsoft.Authorization/roleDefinitions"
                            "?api-version=2022-04-01&$filter=type%20eq%20'BuiltInRole'"});
  if (answer.status != 200) return Json::array();
  Json roles = Json::array();
  const Json listed = TRY(Json::parse(answer.text()));
  for (const Json& role : listed["value"].items())
    roles.push_back(
        Json::object({{"roleName", role["properties"]["roleName"]}, {"id", role["name"]}}));
  return roles;
}

Json public_parameters(const Json& source, const templates::NameMap<Json>& values) {
  Json shown = Json::object();
  for (const Json::Member& each : source["parameters"].members()) {
    const bool secure = templates::is_secure(each.value, source["definitions"]);
    std::string type(each.value["type"].str());
    if (!type.empty() && type.front() >= 'a' && type.front() <= 'z')
      type.front() = static_cast<char>(type.front() - 'a' + 'A');
    Json entry = Json::object({{"type", type.empty() ? "Object" : type}});
    auto value = values.find(each.key);
    if (!secure && value != values.end()) entry.set("value", value->second);
    shown.set(each.key, std::move(entry));
  }
  return shown;
}

// The template itself; a link to one is followed only where its content comes along.
Result<Json> template_of(const Json& properties) {
  const Json& link = properties["templateLink"];
  if (properties["template"].is_object()) {
    if (!link.is_null())
      return invalid_argument("The request has both a template and a templateLink.",
                              "InvalidDeployment");
    return properties["template"];
  }
  if (link["content"].is_object()) return link["content"];
  if (link.is_object() && link.contains("id"))
    return unimplemented(
        "deploying a template spec (TemplateSpecs_Deploy) is known but not "
        "implemented yet");
  if (link.is_object())
    return unimplemented(
        "fetching a template by its link (Deployments_TemplateLink) is known but "
        "not implemented yet: send the template itself");
  return invalid_argument("The request content is not valid: 'template' is missing.",
                          "InvalidRequestContent");
}

Result<std::string> mode_of(const Json& properties, const Scope& scope) {
  const std::string_view mode = properties["mode"].str("Incremental");
  if (iequals(mode, "Incremental")) return std::string("Incremental");
  if (!iequals(mode, "Complete"))
    return invalid_argument(cat({"The deployment mode '", mode.substr(0, 50), "' is not valid."}),
                            "InvalidDeploymentMode");
  if (scope.kind != ScopeKind::kResourceGroup)
    return invalid_argument("The mode Complete is for resource groups only.",
                            "InvalidDeploymentMode");
  return std::string("Complete");
}

}  // namespace

std::string template_hash(const Json& source) {
  const std::string digest = crypto::sha256(source.dump());
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) number = number << 8 | static_cast<unsigned char>(digest[i]);
  return std::to_string(number);
}

std::string target_of(std::string_view id, std::string_view api_version) {
  return cat({url_encode(id, true), "?api-version=", url_encode(api_version)});
}

std::string Order::id() const {
  return cat({scope.id(), "/providers/Microsoft.Resources/deployments/", name});
}

namespace {

Result<Order> read_in(const Parts& parts, const core::Principal& caller, uint16_t port, Scope scope,
                      const std::string& name, const Json& body) {
  Order order;
  order.scope = std::move(scope);
  order.name = name;
  order.port = port;
  if (!is_deployment_name(order.name))
    return invalid_argument(
        cat({"'", order.name.substr(0, 100), "' is not a valid deployment name."}),
        "InvalidDeploymentName");
  const Json& properties = body["properties"];
  order.location = body["location"].str();
  if (order.scope.kind != ScopeKind::kResourceGroup && order.location.empty())
    return invalid_argument("The 'location' property must be specified for the deployment.",
                            "LocationRequired");
  if (body["tags"].is_object()) order.tags = body["tags"];
  order.mode = TRY(mode_of(properties, order.scope));
  order.source = TRY(template_of(properties));
  if (properties["parametersLink"].is_object())
    return unimplemented(
        "fetching parameters by their link (Deployments_ParametersLink) is known "
        "but not implemented yet: send the parameters themselves");
  TRY(templates::check_template(order.source));
  const Surroundings at{parts, caller, order.scope, order.name, port};
  templates::Facts facts = facts_of(at, order.source, order.mode);
  facts.roles = TRY(roles_for(at, order.source));
  const auto functions = TRY(templates::user_functions(order.source));
  templates::Environment environment;
  environment.facts = &facts;
  environment.functions = &functions;
  order.parameters =
      TRY(templates::bind_parameters(order.source, properties["parameters"], environment));
  order.public_parameters = public_parameters(order.source, order.parameters);
  order.program = TRY(templates::Program::create(order.source, order.parameters, std::move(facts)));
  return order;
}

// The values of inner parameters, where they are known before anything is deployed.
Result<Json> settled(const Json& parameters) {
  Json values = Json::object();
  for (const Json::Member& each : parameters.members()) {
    auto value = templates::from_template(each.value["value"]);
    if (!value.ok())
      return invalid_argument(cat({"The value of the parameter '", each.key,
                                   "' depends on what "
                                   "is known when the template is deployed."}),
                              "UnresolvedParameter");
    values.set(each.key, Json::object({{"value", std::move(*value)}}));
  }
  return values;
}

}  // namespace

Result<Order> read_order(const Parts& parts, const Context& context, const Json& body) {
  return read_in(parts, context.principal(), context.head().port, TRY(find_scope(parts, context)),
                 context.param("deployment"), body);
}

Result<Order> read_inner_order(const Parts& parts, const core::Principal& caller,
                               const Order& outer, size_t index) {
  constexpr std::string_view kType = "/providers/Microsoft.Resources/deployments/";
  const templates::PlannedResource& resource = outer.program->resources()[index];
  const size_t type = to_lower(resource.id).rfind(to_lower(kType));
  if (type == std::string::npos) return internal_error("not the id of a deployment");
  Json body = TRY(outer.program->body(index, nullptr));
  body["properties"].set("parameters", TRY(settled(body["properties"]["parameters"])));
  return read_in(parts, caller, outer.port, TRY(find_scope(parts, resource.id.substr(0, type))),
                 resource.id.substr(type + kType.size()), body);
}

Result<std::unique_ptr<templates::Program>> compile_again(const Parts& parts,
                                                          const core::Principal& caller,
                                                          const Kept& kept) {
  const Scope scope = TRY(find_scope(parts, kept.scope_id));
  const Surroundings at{parts, caller, scope, kept.name, kept.port};
  templates::Facts facts = facts_of(at, kept.source, kept.mode);
  facts.roles = TRY(roles_for(at, kept.source));
  templates::NameMap<Json> parameters;
  for (const Json::Member& each : kept.parameters.members()) parameters[each.key] = each.value;
  return templates::Program::create(kept.source, std::move(parameters), std::move(facts));
}

Result<void> check_permissions(const Parts& parts, const core::Principal& caller,
                               const templates::Program& program) {
  for (const templates::PlannedResource& each : program.resources()) {
    if (each.existing) continue;
    auto allowed = parts.dispatcher->preflight(
        caller, {.method = http::Method::kPut, .target = target_of(each.id, each.api_version)});
    if (allowed.ok()) continue;
    Error error = std::move(allowed).error();
    if (error.code == Code::kPermissionDenied)
      error.message = cat({"Authorization failed for template resource '", each.name, "' of type '",
                           each.type, "'. ", error.message});
    if (error.code == Code::kNotFound || error.code == Code::kMethodNotAllowed)
      return invalid_argument(cat({"The resource type '", each.type,
                                   "' is not known here, or can't be created by a template."}),
                              "InvalidResourceType");
    return error;
  }
  return {};
}

}  // namespace lazuli::resources
