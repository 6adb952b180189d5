// SPDX-License-Identifier: Apache-2.0
#include "services/identity/discovery_handlers.h"

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::identity {
namespace {

enum class Shape { kVersion1, kVersion2, kAdfs };

Shape shape_of(const Context& context) {
  if (is_adfs(context)) return Shape::kAdfs;
  return context.head().raw_path.find("/v2.0/") != std::string::npos ? Shape::kVersion2
                                                                     : Shape::kVersion1;
}

std::string issuer_of(const Tokens& tokens, Shape shape) {
  if (shape == Shape::kAdfs) return tokens.adfs_issuer();
  return tokens.issuer(shape == Shape::kVersion1 ? 1 : 2);
}

// The endpoints below the authority that was asked.
Json endpoints(const DiscoveryParts& parts, const Context& context, Shape shape) {
  bool adfs = shape == Shape::kAdfs, second = shape == Shape::kVersion2;
  std::string base = context.url("login", adfs ? "/adfs" : "/" + parts.installation.tenant_id);
  std::string oauth2 = base + (second ? "/oauth2/v2.0" : "/oauth2");
  return Json::object({{"issuer", issuer_of(parts.tokens, shape)},
                       {"authorization_endpoint", oauth2 + "/authorize"},
                       {"token_endpoint", oauth2 + "/token"},
                       {"device_authorization_endpoint", oauth2 + "/devicecode"},
                       {"userinfo_endpoint", base + (adfs ? "/userinfo" : "/openid/userinfo")},
                       {"end_session_endpoint", oauth2 + "/logout"},
                       {"jwks_uri", base + (second ? "/discovery/v2.0/keys" : "/discovery/keys")}});
}

}  // namespace

// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
Answer get_configuration(const DiscoveryParts& parts, Context& context) {
  TRY(check_tenant(parts.installation, context));
  Json json = endpoints(parts, context, shape_of(context));
  json.set("token_endpoint_auth_methods_supported",
           Json::array({"client_secret_post", "client_secret_basic", "private_key_jwt"}));
  json.set("token_endpoint_auth_signing_alg_values_supported",
           Json::array({"RS256", "PS256", "ES256"}));
  json.set("response_types_supported", Json::array({"code"}));
  json.set("response_modes_supported", Json::array({"query", "fragment", "form_post"}));
  json.set("subject_types_supported", Json::array({"public"}));
  json.set("id_token_signing_alg_values_supported", Json::array({"RS256"}));
  json.set("code_challenge_methods_supported", Json::array({"S256"}));
  json.set("grant_types_supported",
           Json::array({"client_credentials", "authorization_code", "refresh_token",
                        "urn:ietf:params:oauth:grant-type:device_code",
                        "urn:ietf:params:oauth:grant-type:jwt-bearer"}));
  json.set("scopes_supported", Json::array({"openid", "profile", "email", "offline_access"}));
  json.set("claims_supported",
           Json::array({"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name",
                        "preferred_username", "upn", "oid", "tid", "amr", "sid", "ver"}));
  json.set("http_logout_supported", false);
  json.set("tenant_region_scope", parts.installation.region);
  return core::json_response(json);
}

Answer get_keys(const DiscoveryParts& parts, Context& context) {
  TRY(check_tenant(parts.installation, context));
  http::Response response = core::json_response(parts.keys.jwks());
  // A successor is published days before it signs: an hour in caches harms nobody.
  response.header("Cache-Control", "public, max-age=3600");
  return response;
}

// MSAL: authority.py, _instance_discovery.
Answer get_instance_discovery(const DiscoveryParts& parts, Context& context) {
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

// MSAL: authority.py, user_realm_discovery. The answer is the same for every name: it must not tell
// which accounts exist.
Answer get_user_realm(const DiscoveryParts& parts, Context& context) {
  std::string_view name = context.param("upn");
  size_t at = name.find('@');
  std::string domain(at == std::string_view::npos ? context.domain() : name.substr(at + 1));
  return core::json_response(Json::object({{"ver", "1.0"},
                                           {"account_type", "Managed"},
                                           {"domain_name", domain.substr(0, 256)},
                                           {"cloud_instance_name", "login." + context.domain()},
                                           {"cloud_audience_urn", parts.tokens.issuer(2)}}));
}

}  // namespace lazuli::identity
