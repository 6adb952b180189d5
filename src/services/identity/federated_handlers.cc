// SPDX-License-Identifier: Apache-2.0
// People's sign-in through another OpenID Connect provider: we are its relying party (code flow
// with PKCE and nonce), link by (issuer, subject) alone, and go on with tokens of our own.
#include "base/log.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "crypto/random.h"
#include "services/identity/login_handlers.h"
#include "services/identity/token_grants.h"

namespace lazuli::identity {
namespace {

constexpr Duration kSkew = std::chrono::seconds(120);
constexpr std::string_view kCallback = "/common/federated/callback";

Error refused(std::string_view why) {
  return oauth("access_denied", 50107, cat({"The sign-in at the other provider failed: ", why}));
}

// What went wrong on the way is the log's: the page is read by whoever presses the button.
Error unreachable(const directory::IdentityProvider& provider, const Error& why) {
  log::warning("identity", "an identity provider cannot be reached",
               {{"issuer", provider.issuer}, {"why", why.message}});
  return refused("it cannot be reached.");
}

Result<directory::IdentityProvider> find_provider(const LoginParts& parts, const std::string& id) {
  for (directory::IdentityProvider& each : TRY(parts.token.directory.identity_providers()))
    if (each.id == id) return std::move(each);
  return refused("it is not known here.");
}

// RFC 6749 §4.1.3 at the provider.
Result<std::string> redeem(const LoginParts& parts, const Context& context, const Errand& errand,
                           const directory::IdentityProvider& provider, const std::string& code) {
  const auto configuration = parts.issuers.configuration(provider.issuer);
  if (!configuration.ok()) return unreachable(provider, configuration.error());
  SecretString secret = TRY(parts.token.directory.provider_secret(provider.id));
  QueryItems form = {{"grant_type", "authorization_code"},
                     {"code", code},
                     {"redirect_uri", context.url("login", kCallback)},
                     {"client_id", provider.client_id},
                     {"code_verifier", errand.provider_verifier}};
  if (!secret.empty()) form.emplace_back("client_secret", secret.expose());
  const std::string endpoint = (*configuration)["token_endpoint"].text();
  const auto answer = parts.issuers.post_form(endpoint, dump_form(form));
  if (!answer.ok()) return unreachable(provider, answer.error());
  std::string id_token = (*answer)["id_token"].text();
  if (id_token.empty()) return refused("it gave no ID token.");
  return id_token;
}

bool is_for(const Json& claims, const std::string& client_id) {
  const Json& audience = claims["aud"];
  if (audience.is_string()) return audience.str() == client_id;
  bool found = std::ranges::any_of(audience.items(),
                                   [&](const Json& each) { return each.str() == client_id; });
  return found && claims["azp"].str(client_id) == client_id;
}

// OpenID Connect Core §3.1.3.7.
Result<Json> verify(const LoginParts& parts, const Errand& errand,
                    const directory::IdentityProvider& provider, const std::string& id_token) {
  crypto::Jwt claimed = TRY(crypto::peek_jwt(id_token));
  auto keys = parts.issuers.keys(provider.issuer, std::as_const(claimed.header)["kid"].text());
  if (!keys.ok()) return unreachable(provider, keys.error());
  crypto::Jwt jwt = TRY(
      crypto::verify_jwt(id_token, [&](const Json& header) { return key_named(*keys, header); }));
  const Json& claims = jwt.claims;
  TRY(crypto::check_jwt_times(claims, now(), kSkew));
  if (claims["iss"].str() != provider.issuer || !is_for(claims, provider.client_id))
    return refused("its ID token is for somebody else.");
  if (claims["nonce"].str() != errand.provider_nonce || claims["sub"].str().empty())
    return refused("its ID token does not belong to this sign-in.");
  return claims;
}

Result<Proof> finish(const LoginParts& parts, const Context& context, const Errand& errand,
                     const Fields& query) {
  directory::IdentityProvider provider = TRY(find_provider(parts, errand.provider));
  if (!query.has("code")) return refused("it sent no code.");
  std::string id_token = TRY(redeem(parts, context, errand, provider, query["code"]));
  const Json claims = TRY(verify(parts, errand, provider, id_token));
  directory::ExternalAccount account{claims["sub"].text(), {}};
  if (claims["email_verified"].boolean()) account.verified_email = claims["email"].text();
  directory::ExternalAnswer answer = TRY(parts.token.directory.external_person(provider, account));
  if (!answer.user)
    return oauth("access_denied", 50020,
                 cat({"The account '", account.subject.substr(0, 128), "' of ", provider.name,
                      " is not linked to a user here. Ask whoever administers this server."}));
  Proof proof{answer.user->object_id, now(), {"fed"}};
  TRY(parts.token.sessions.check_person(proof));
  return proof;
}

}  // namespace

// The errand goes along, sealed, as `state`.
Answer post_federated(const LoginParts& parts, Context& context) {
  if (!parts.token.requests.take(source_of(context))) return too_many_requests(context);
  Fields form = TRY(Fields::of_form(context));
  auto errand = parts.browser.errand(context, form);
  if (!errand.ok()) return error_page(errand.error());
  auto provider = find_provider(parts, context.param("provider"));
  if (!provider.ok()) return error_page(provider.error());
  auto configuration = parts.issuers.configuration(provider->issuer);
  if (!configuration.ok()) return error_page(unreachable(*provider, configuration.error()));
  errand->provider = provider->id;
  errand->provider_nonce = to_base64url(crypto::random_bytes(32));
  errand->provider_verifier = to_base64url(crypto::random_bytes(32));
  errand->provider_browser = hash_code(parts.browser.form_token(context).value);
  const Json& document = *configuration;
  std::string target = document["authorization_endpoint"].text();
  if (!target.starts_with("https://") || target.find_first_of(" \"'\r\n\t") != target.npos)
    return error_page(refused("its address is not https."));
  QueryItems query = {
      {"client_id", provider->client_id},
      {"response_type", "code"},
      {"redirect_uri", context.url("login", kCallback)},
      {"scope", provider->scopes.empty() ? "openid profile email" : provider->scopes},
      {"state", parts.browser.seal(*errand)},
      {"nonce", errand->provider_nonce},
      {"code_challenge", to_base64url(crypto::sha256(errand->provider_verifier))},
      {"code_challenge_method", "S256"}};
  std::string_view separator = target.find('?') == std::string::npos ? "?" : "&";
  return leave_page({provider->name, cat({target, separator, dump_form(query)})});
}

Answer get_federated_callback(const LoginParts& parts, Context& context) {
  if (!parts.token.requests.take(source_of(context))) return too_many_requests(context);
  Fields query = TRY(Fields::of_query(context));
  auto errand = parts.browser.open(query["state"]);
  // It ends in the browser in which it began: a link sent to others leads nowhere.
  if (!errand.ok() || errand->provider.empty() ||
      errand->provider_browser != hash_code(parts.browser.form_token(context).value))
    return error_page(refused("it does not belong to this browser, or took too long."));
  auto proof = finish(parts, context, *errand, query);
  SignIn log;
  log.app_id = errand->app_id;
  log.grant = "federated";
  if (proof.ok()) log.object_id = proof->object_id;
  TRY(record(parts.token, context, log, proof.ok() ? nullptr : &proof.error()));
  if (!proof.ok()) return error_page(proof.error());
  errand->provider.clear();
  return sign_in_and_proceed(parts, context, *errand, *proof);
}

}  // namespace lazuli::identity
