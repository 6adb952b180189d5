// SPDX-License-Identifier: Apache-2.0
#include "services/identity/token_handlers.h"

#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"

namespace lazuli::identity {
namespace {

// 60 to 75 minutes are usual; clients renew before the end.
constexpr Duration kLifetime = std::chrono::minutes(60);

std::string form_value(const QueryItems& form, std::string_view name) {
  for (const auto& [key, value] : form)
    if (key == name) return value;
  return {};
}

// RFC 6749 §5.2 codes with Entra's explanations, as MSAL shows them.
Error oauth(Code code, std::string_view error, std::string message) {
  return Error{code, std::string(error), std::move(message), {}, {}};
}

bool is_our_tenant(const TokenParts& parts, std::string_view tenant) {
  return tenant.empty() || iequals(tenant, parts.installation.tenant_id) ||
         iequals(tenant, "adfs") || iequals(tenant, "common") || iequals(tenant, "organizations");
}

Result<void> check_tenant(const TokenParts& parts, const Context& context) {
  if (is_our_tenant(parts, context.param("tenant"))) return {};
  return oauth(Code::kInvalidArgument, "invalid_tenant",
               cat({"AADSTS90002: Tenant '", context.param("tenant"), "' not found."}));
}

// What tokens may be asked for: our own resources, on whatever port, and the public name that
// storage clients always use.
bool is_known_audience(const TokenParts& parts, std::string_view audience) {
  constexpr std::string_view kStorage = "https://storage.azure.com";
  std::string_view plain = audience;
  while (plain.ends_with('/')) plain.remove_suffix(1);
  if (plain == kStorage) return true;
  if (!plain.starts_with("https://")) return false;
  std::string_view host = plain.substr(8);
  host = host.substr(0, host.find(':'));
  const std::string& domain = parts.installation.domain;
  return host == "management." + domain || host == "ml.azure." + domain ||
         host == "graph." + domain;
}

// v1: resource=URI. v2: scope="URI/.default".
Result<std::string> requested_audience(const TokenParts& parts, const QueryItems& form) {
  std::string audience = form_value(form, "resource");
  const std::string scopes = form_value(form, "scope");
  for (std::string_view scope : split(scopes, ' ')) {
    if (scope.ends_with("/.default")) audience = scope.substr(0, scope.size() - 9);
  }
  if (audience.empty())
    return oauth(Code::kInvalidArgument, "invalid_request",
                 "AADSTS900144: The request body must contain 'scope' (URI/.default) or "
                 "'resource'.");
  if (!is_known_audience(parts, audience))
    return oauth(Code::kInvalidArgument, "invalid_resource",
                 cat({"AADSTS500011: The resource principal named ", audience.substr(0, 200),
                      " was not found in the tenant."}));
  return audience;
}

Result<ServicePrincipal> check_client(const TokenParts& parts, const QueryItems& form) {
  std::string app_id = form_value(form, "client_id");
  SecretString secret(form_value(form, "client_secret"));
  Error refused = oauth(Code::kUnauthenticated, "invalid_client",
                        "AADSTS7000215: Invalid client secret provided.");
  auto principal = TRY(parts.directory.find_by_app_id(app_id));
  if (!principal)
    return oauth(Code::kUnauthenticated, "invalid_client",
                 cat({"AADSTS700016: Application with identifier '", app_id.substr(0, 64),
                      "' was not found in the directory."}));
  if (!TRY(parts.directory.verify_client_secret(app_id, secret))) return refused;
  if (!principal->enabled)
    return oauth(Code::kUnauthenticated, "unauthorized_client",
                 cat({"AADSTS7000112: Application '", app_id.substr(0, 64), "' is disabled."}));
  return ServicePrincipal{principal->app_id, principal->object_id, principal->name};
}

}  // namespace

Answer get_configuration(const TokenParts& parts, Context& context) {
  TRY(check_tenant(parts, context));
  bool adfs = istarts_with(context.head().raw_path, "/adfs");
  std::string base = context.url("login", adfs ? "/adfs" : "/" + parts.installation.tenant_id);
  std::string oauth2 = base + (adfs ? "/oauth2" : "/oauth2/v2.0");
  Json methods = Json::array({"client_secret_post"});
  return core::json_response(
      Json::object({{"issuer", parts.tokens.issuer()},
                    {"authorization_endpoint", oauth2 + "/authorize"},
                    {"token_endpoint", oauth2 + "/token"},
                    {"device_authorization_endpoint", oauth2 + "/devicecode"},
                    {"jwks_uri", base + (adfs ? "/discovery/keys" : "/discovery/v2.0/keys")},
                    {"token_endpoint_auth_methods_supported", std::move(methods)},
                    {"response_types_supported", Json::array({"token"})},
                    {"subject_types_supported", Json::array({"pairwise"})},
                    {"id_token_signing_alg_values_supported", Json::array({"RS256"})},
                    {"grant_types_supported", Json::array({"client_credentials"})},
                    {"scopes_supported", Json::array({"openid"})},
                    {"tenant_region_scope", parts.installation.region}}));
}

Answer get_keys(const TokenParts& parts, Context& context) {
  TRY(check_tenant(parts, context));
  return core::json_response(parts.tokens.public_keys());
}

Answer get_instance_discovery(const TokenParts& parts, Context& context) {
  std::string login = "login." + context.domain() + context.port_suffix();
  Json metadata = Json::object({{"preferred_network", login},
                                {"preferred_cache", login},
                                {"aliases", Json::array({Json(login)})}});
  std::string path =
      cat({"/", parts.installation.tenant_id, "/v2.0/.well-known/openid-configuration"});
  return core::json_response(
      Json::object({{"tenant_discovery_endpoint", context.url("login", path)},
                    {"api-version", "1.1"},
                    {"metadata", Json::array({std::move(metadata)})}}));
}

// RFC 6749 §4.4: 1. the grant; 2. the client and its secret; 3. the resource; 4. the token.
Answer post_token(const TokenParts& parts, Context& context) {
  TRY(check_tenant(parts, context));
  QueryItems form = TRY(parse_form(context.body()));
  std::string grant = form_value(form, "grant_type");
  if (grant != "client_credentials")
    return oauth(Code::kInvalidArgument, "unsupported_grant_type",
                 cat({"AADSTS70003: The app requested an unsupported grant type '",
                      grant.substr(0, 64), "'."}));
  if (!form_value(form, "client_assertion").empty())
    return oauth(Code::kUnauthenticated, "invalid_client",
                 "Client assertions are not implemented yet; use client_secret.");
  ServicePrincipal principal = TRY(check_client(parts, form));
  TokenRequest request{
      principal.object_id, TRY(requested_audience(parts, form)), kLifetime, {}, {}};
  SecretString token = parts.tokens.issue(principal, request);
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(kLifetime).count();
  http::Response response = core::json_response(Json::object({{"token_type", "Bearer"},
                                                              {"expires_in", seconds},
                                                              {"ext_expires_in", seconds},
                                                              {"resource", request.audience},
                                                              {"access_token", token.expose()}}));
  response.header("Cache-Control", "no-store").header("Pragma", "no-cache");
  return response;
}

}  // namespace lazuli::identity
