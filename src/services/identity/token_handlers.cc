// SPDX-License-Identifier: Apache-2.0
#include "services/identity/token_handlers.h"

#include "base/log.h"
#include "base/strings.h"
#include "core/arm.h"
#include "crypto/random.h"
#include "http/socket.h"
#include "services/identity/token_grants.h"

namespace lazuli::identity {
namespace {

using GrantFunction = Result<Granted> (*)(TokenCall&);

GrantFunction grant_named(std::string_view name) {
  if (name == "client_credentials") return grant_client_credentials;
  if (name == "authorization_code") return grant_authorization_code;
  if (name == "refresh_token") return grant_refresh_token;
  if (name == "urn:ietf:params:oauth:grant-type:device_code" || name == "device_code")
    return grant_device_code;
  if (name == "urn:ietf:params:oauth:grant-type:jwt-bearer") return grant_on_behalf_of;
  return nullptr;
}

bool is_version_1(const Context& context) {
  return context.head().raw_path.ends_with("/oauth2/token") && !is_adfs(context);
}

// {"uid":…,"utid":…}: from it MSAL makes the account's id.
std::string client_info(const TokenParts& parts, const directory::Principal& user) {
  return to_base64url(
      Json::object({{"uid", user.object_id}, {"utid", parts.installation.tenant_id}}).dump());
}

const std::string& resource_of(const Access& access) {
  return access.resource.empty() ? access.audience : access.resource;
}

// Each with its resource, and ".default", by which MSAL finds the token in its cache again.
std::string scope_text(const Access& access) {
  std::string text;
  const std::string& resource = resource_of(access);
  for (std::string_view each : split(access.scopes, ' ')) text += cat({resource, "/", each, " "});
  return cat({text, resource, "/.default"});
}

// RFC 6749 §5.1 with Entra's members; v1 writes its numbers as strings.
Json token_document(const TokenParts& parts, const TokenCall& call, const Granted& granted) {
  const Access& access = granted.access;
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(access.lifetime).count();
  int64_t time = to_micros(now()) / 1000000;
  Json json = Json::object({{"token_type", "Bearer"}});
  if (is_version_1(call.context)) {
    for (std::string_view name : {"expires_in", "ext_expires_in"})
      json.set(name, std::to_string(seconds));
    json.set("expires_on", std::to_string(time + seconds));
    json.set("not_before", std::to_string(time));
    json.set("resource", resource_of(access));
  } else {
    json.set("expires_in", seconds).set("ext_expires_in", seconds);
    json.set("refresh_in", seconds * 3 / 4);
    if (is_adfs(call.context)) json.set("resource", resource_of(access));
  }
  if (!access.scopes.empty()) json.set("scope", scope_text(access));
  json.set("access_token", parts.tokens.issue(access).expose());
  if (granted.refresh_token) json.set("refresh_token", granted.refresh_token->expose());
  if (granted.signed_in) {
    json.set("id_token", parts.tokens.issue_id_token(*granted.signed_in).expose());
    if (call.form["client_info"] == "1")
      json.set("client_info", client_info(parts, granted.signed_in->user));
  }
  return json;
}

Result<http::Response> answer_grant(const TokenParts& parts, TokenCall& call) {
  const std::string& name = call.form["grant_type"];
  if (name.empty())
    return oauth("invalid_request", 900144,
                 "The request body must contain the following parameter: 'grant_type'.");
  GrantFunction grant = grant_named(name);
  if (grant == nullptr)
    return oauth("unsupported_grant_type", 70003,
                 cat({"The app requested an unsupported grant type '", name.substr(0, 64), "'."}));
  call.client = TRY(parts.prover.prove(call.context, call.form));
  call.log.app_id = call.client.app.app_id;
  Granted granted = TRY(grant(call));
  return no_store(core::json_response(token_document(parts, call, granted)));
}

// Polls of a device code that is not ready yet are no attempts.
bool is_attempt(const Result<http::Response>& answer) {
  if (answer.ok()) return true;
  const std::string& code = answer.error().wire_code;
  return code != "authorization_pending" && code != "slow_down";
}

}  // namespace

Duration draw_lifetime() {
  std::string random = crypto::random_bytes(2);
  unsigned drawn =
      static_cast<unsigned char>(random[0]) << 8U | static_cast<unsigned char>(random[1]);
  return std::chrono::seconds(3600 + drawn % 901);
}

std::string source_of(const Context& context) {
  const std::string& peer = context.head().peer;
  auto address = http::SocketAddress::parse_ip(peer, 0);
  return address.ok() ? address->network() : peer;
}

http::Response too_many_requests(const Context& context) {
  Error error{Code::kResourceExhausted,
              "temporarily_unavailable",
              "AADSTS90055: Too many requests or failed attempts. Try again in a minute.",
              {},
              {}};
  http::Response response =
      core::error_response(core::ErrorShape::kOAuth, error, context.request_id(), false);
  response.header("Retry-After", "60");
  return response;
}

Result<void> record(const TokenParts& parts, const Context& context, SignIn sign_in,
                    const Error* error) {
  constexpr size_t kTextMax = 256;
  sign_in.time = now();
  sign_in.peer = context.head().peer;
  sign_in.agent = std::string(context.header("User-Agent").substr(0, kTextMax));
  if (!is_utf8(sign_in.agent)) sign_in.agent.clear();
  sign_in.app_id = sign_in.app_id.substr(0, kTextMax);
  sign_in.request_id = context.request_id();
  if (error != nullptr) {
    sign_in.error = std::max<int64_t>(aadsts_number(*error), 1);
    sign_in.failure = error->message.substr(0, kTextMax);
  }
  return parts.sign_ins.add(sign_in);
}

// RFC 6749 §5: 1. limits; 2. the client; 3. its grant; 4. the attempt is kept; 5. the tokens.
Answer post_token(const TokenParts& parts, Context& context) {
  TRY(check_tenant(parts.installation, context));
  if (!parts.requests.take(source_of(context))) return too_many_requests(context);
  Fields form = TRY(Fields::of_form(context));
  std::string suspect = cat({source_of(context), " ", form["client_id"]});
  if (!parts.failures.has(suspect)) return too_many_requests(context);
  TokenCall call{parts, context, form, {}, {}};
  call.log.app_id = form["client_id"];
  call.log.grant = form["grant_type"].substr(0, 64);
  Result<http::Response> answer = answer_grant(parts, call);
  if (!is_attempt(answer)) return answer;
  if (!answer.ok() && answer.error().code != Code::kInternal) parts.failures.take(suspect);
  TRY(record(parts, context, std::move(call.log), answer.ok() ? nullptr : &answer.error()));
  return answer;
}

}  // namespace lazuli::identity
