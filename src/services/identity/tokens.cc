// SPDX-License-Identifier: Apache-2.0
#include "services/identity/tokens.h"

#include "base/ids.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"

namespace lazuli::identity {
namespace {

constexpr size_t kCacheMax = 4096;
constexpr Duration kSkew = std::chrono::seconds(60);
constexpr std::string_view kGrantsClaim = "lazuli_grants";
constexpr std::string_view kJobClaim = "lazuli_job";

int64_t to_seconds(Timestamp time) { return to_micros(time) / 1000000; }

Error invalid_token(std::string message) {
  return unauthenticated(std::move(message), "InvalidAuthenticationToken");
}

// "https://management.x:8443/" → "https://management.x": one server, whatever port it is met on.
std::string plain_audience(std::string_view audience) {
  while (!audience.empty() && audience.back() == '/') audience.remove_suffix(1);
  size_t colon = audience.rfind(':');
  bool has_port = colon != std::string_view::npos && colon > 6 &&
                  parse_int(audience.substr(colon + 1)).has_value();
  return std::string(audience.substr(0, has_port ? colon : audience.size()));
}

Json grants_json(const std::vector<core::Grant>& grants) {
  Json json = Json::array();
  for (const core::Grant& grant : grants)
    json.push_back(
        Json::object({{"operations", Json::strings(grant.operations)}, {"scope", grant.scope}}));
  return json;
}

std::vector<core::Grant> grants_from(const Json& json) {
  std::vector<core::Grant> grants;
  for (const Json& each : json.items()) {
    core::Grant grant{{}, each["scope"].text()};
    for (const Json& operation : each["operations"].items())
      grant.operations.push_back(operation.text());
    grants.push_back(std::move(grant));
  }
  return grants;
}

std::string_view bearer(const http::RequestHead& head) {
  std::string_view value = head.headers.get_or("Authorization", {});
  return istarts_with(value, "Bearer ") ? trim(value.substr(7)) : std::string_view();
}

}  // namespace

Tokens::Tokens(const core::Installation& installation, Store& store,
               directory::Directory& directory)
    : installation_(installation),
      store_(store),
      directory_(directory),
      issuer_(cat({"https://login.", installation.domain, "/", installation.tenant_id, "/v2.0"})) {}

Result<std::unique_ptr<Tokens>> Tokens::create(const core::Installation& installation, Store& store,
                                               core::Vault& vault,
                                               directory::Directory& directory) {
  std::unique_ptr<Tokens> tokens(new Tokens(installation, store, directory));
  TRY(tokens->load_keys(vault));
  return tokens;
}

Result<void> Tokens::load_keys(core::Vault& vault) {
  auto context = [](const std::string& kid) { return "identity.signing_key/" + kid; };
  std::vector<SigningKey> stored = TRY(store_.signing_keys());
  if (stored.empty()) {
    SigningKey fresh{new_uuid(), {}, now()};
    SecretString pem = crypto::PrivateKey::generate(crypto::KeyKind::kRsa2048).to_pem();
    fresh.sealed_pem = vault.seal(context(fresh.kid), pem.expose());
    TRY(store_.add_signing_key(fresh));
    stored.push_back(fresh);
  }
  for (const SigningKey& each : stored) {
    SecretString pem = TRY(vault.open(context(each.kid), each.sealed_pem));
    keys_.push_back({each.kid, TRY(crypto::PrivateKey::from_pem(pem))});
  }
  return {};
}

// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
SecretString Tokens::issue(const ServicePrincipal& principal, const TokenRequest& request) {
  Timestamp time = now();
  Json claims = Json::object({{"aud", request.audience},
                              {"iss", issuer_},
                              {"iat", to_seconds(time)},
                              {"nbf", to_seconds(time)},
                              {"exp", to_seconds(time + request.lifetime)},
                              {"oid", principal.object_id},
                              {"sub", principal.object_id},
                              {"tid", installation_.tenant_id},
                              {"appid", principal.app_id},
                              {"appidacr", "1"},
                              {"app_displayname", principal.name},
                              {"idtyp", "app"},
                              {"uti", new_uuid()},
                              {"ver", "1.0"}});
  if (!request.grants.empty()) claims.set(kGrantsClaim, grants_json(request.grants));
  if (!request.job_id.empty()) claims.set(kJobClaim, request.job_id);
  const Key& key = keys_.back();
  return SecretString(crypto::make_jwt(key.key, key.kid, claims));
}

Json Tokens::public_keys() const {
  Json keys = Json::array();
  for (const Key& each : keys_) keys.push_back(each.key.public_key().jwk(each.kid));
  return Json::object({{"keys", std::move(keys)}});
}

bool Tokens::present(const http::RequestHead& head) const {
  return istarts_with(head.headers.get_or("Authorization", {}), "Bearer ");
}

Result<core::Verified> Tokens::verify(const http::RequestHead& head, std::string_view audience) {
  return verify_token(bearer(head), audience);
}

Result<core::Verified> Tokens::verify_token(std::string_view token, std::string_view audience) {
  Known known = TRY(check_cached(token));
  if (known.verified.expires + kSkew < now())
    return unauthenticated("The access token has expired.", "ExpiredAuthenticationToken");
  if (known.audience != plain_audience(audience))
    return unauthenticated(
        cat({"The access token is for '", known.audience, "', not for '", audience, "'."}),
        "InvalidAuthenticationTokenAudience");
  if (!known.job_id.empty() && TRY(store_.is_job_revoked(known.job_id)))
    return unauthenticated("The job this access token belongs to has ended.",
                           "ExpiredAuthenticationToken");
  // A principal that was deleted, disabled or signed out everywhere is refused at once.
  if (!TRY(directory_.standing(known.verified.object_id)).admits(known.issued))
    return invalid_token("The access token has been revoked.");
  return known.verified;
}

Result<Tokens::Known> Tokens::check_cached(std::string_view token) {
  std::string hash = crypto::sha256(token);
  {
    std::lock_guard lock(mutex_);
    if (auto found = cache_.find(hash); found != cache_.end()) return found->second;
  }
  Known known = TRY(check(token));
  std::lock_guard lock(mutex_);
  if (cache_.size() >= kCacheMax) cache_.clear();
  cache_.emplace(std::move(hash), known);
  return known;
}

// Signature by a key of ours, times, issuer and tenant exact.
Result<Tokens::Known> Tokens::check(std::string_view token) const {
  auto find_key = [&](std::string_view kid) -> std::optional<crypto::PublicKey> {
    for (const Key& each : keys_)
      if (each.kid == kid) return each.key.public_key();
    return {};
  };
  crypto::Jwt jwt = TRY(crypto::verify_jwt(token, find_key));
  TRY(crypto::check_jwt_times(jwt.claims, now(), kSkew));
  if (jwt.claims["iss"].str() != issuer_)
    return unauthenticated("The access token is from the wrong issuer.",
                           "InvalidAuthenticationTokenTenant");
  if (jwt.claims["tid"].str() != installation_.tenant_id)
    return unauthenticated("The access token is from the wrong tenant.",
                           "InvalidAuthenticationTokenTenant");
  Known known;
  known.audience = plain_audience(jwt.claims["aud"].str());
  known.job_id = jwt.claims[kJobClaim].text();
  known.issued = from_micros(jwt.claims["iat"].integer() * 1000000);
  core::Verified& who = known.verified;
  who.tenant_id = jwt.claims["tid"].text();
  who.object_id = jwt.claims["oid"].text();
  who.app_id = jwt.claims["appid"].text();
  who.name = jwt.claims["app_displayname"].text();
  who.kind = core::CredentialKind::kBearer;
  who.expires = from_micros(jwt.claims["exp"].integer() * 1000000);
  if (const Json* grants = jwt.claims.find(kGrantsClaim)) who.grants = grants_from(*grants);
  if (who.object_id.empty()) return invalid_token("The access token names no principal.");
  return known;
}

}  // namespace lazuli::identity
