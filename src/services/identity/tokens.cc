// SPDX-License-Identifier: Apache-2.0
#include "services/identity/tokens.h"

#include "base/strings.h"
#include "codec/text.h"
#include "core/grant_json.h"
#include "crypto/random.h"

namespace lazuli::identity {
namespace {

constexpr Duration kSkew = std::chrono::seconds(60);
constexpr std::string_view kGrantsClaim = "lazuli_grants";
constexpr std::string_view kJobClaim = "lazuli_job";
constexpr size_t kUtiSize = 16;

int64_t to_seconds(Timestamp time) { return to_micros(time) / 1000000; }

Error invalid_token(std::string message) {
  return unauthenticated(std::move(message), "InvalidAuthenticationToken");
}

std::string_view bearer(const http::RequestHead& head) {
  std::string_view value = head.headers.get_or("Authorization", {});
  return istarts_with(value, "Bearer ") ? trim(value.substr(7)) : std::string_view();
}

bool has_port(std::string_view audience, size_t colon) {
  return colon != std::string_view::npos && colon > 6 &&
         parse_int(audience.substr(colon + 1)).has_value();
}

// What names the client and the subject differs between the versions.
void add_version_1(Json& claims, const Access& access, const std::string& client_id) {
  claims.set("ver", "1.0");
  claims.set("appid", client_id);
  claims.set("appidacr", std::to_string(static_cast<int>(access.proof)));
  if (access.scopes.empty())
    claims.set("app_displayname", access.subject.name);
  else
    claims.set("unique_name", access.subject.upn).set("upn", access.subject.upn);
}

void add_version_2(Json& claims, const Access& access, const std::string& client_id) {
  claims.set("ver", "2.0");
  claims.set("azp", client_id);
  claims.set("azpacr", std::to_string(static_cast<int>(access.proof)));
  if (!access.scopes.empty()) claims.set("preferred_username", access.subject.upn);
}

}  // namespace

std::string plain_audience(std::string_view audience) {
  while (!audience.empty() && audience.back() == '/') audience.remove_suffix(1);
  size_t colon = audience.rfind(':');
  return std::string(audience.substr(0, has_port(audience, colon) ? colon : audience.size()));
}

std::string make_uti(Timestamp time) {
  std::string bytes = crypto::random_bytes(kUtiSize);
  auto micros = static_cast<uint64_t>(to_micros(time));
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(micros >> (56 - 8 * i));
  return to_base64url(bytes);
}

std::optional<Timestamp> time_of_uti(std::string_view uti) {
  auto bytes = from_base64url(uti);
  if (!bytes.ok() || bytes->size() != kUtiSize) return {};
  uint64_t micros = 0;
  for (size_t i = 0; i < 8; ++i) micros = micros << 8 | static_cast<unsigned char>((*bytes)[i]);
  return from_micros(static_cast<int64_t>(micros));
}

Tokens::Tokens(const core::Installation& installation, directory::Directory& directory,
               KeyRing& keys, Revocations& revocations)
    : installation_(installation), directory_(directory), keys_(keys), revocations_(revocations) {}

std::string Tokens::issuer(int version) const {
  return cat({"https://login.", installation_.domain, "/", installation_.tenant_id,
              version == 1 ? "/" : "/v2.0"});
}

std::string Tokens::adfs_issuer() const {
  return cat({"https://login.", installation_.domain, "/adfs"});
}

// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
SecretString Tokens::issue(const Access& access, Timestamp time) const {
  const directory::Principal& subject = access.subject;
  Duration lifetime = std::min(access.lifetime, kTokenLifetimeMax);
  Json claims = Json::object({{"aud", access.audience},
                              {"iss", issuer(access.version)},
                              {"iat", to_seconds(time)},
                              {"nbf", to_seconds(time)},
                              {"exp", to_seconds(time + lifetime)},
                              {"oid", subject.object_id},
                              {"sub", subject.object_id},
                              {"tid", installation_.tenant_id},
                              {"idtyp", access.scopes.empty() ? "app" : "user"},
                              {"uti", make_uti(time)}});
  const std::string& client = access.client_id.empty() ? subject.app_id : access.client_id;
  access.version == 1 ? add_version_1(claims, access, client)
                      : add_version_2(claims, access, client);
  if (!access.scopes.empty()) claims.set("scp", access.scopes).set("name", subject.name);
  if (!access.roles.empty()) claims.set("roles", Json::strings(access.roles));
  if (!access.methods.empty()) claims.set("amr", Json::strings(access.methods));
  if (!access.session.empty()) claims.set("sid", access.session);
  if (!subject.resource_id.empty()) claims.set("xms_mirid", subject.resource_id);
  if (access.knows_claims_challenges) claims.set("xms_cc", Json::array({"CP1"}));
  if (!access.grants.empty()) claims.set(kGrantsClaim, core::to_json(access.grants));
  if (!access.job_id.empty()) claims.set(kJobClaim, access.job_id);
  // Only this server reads jobs' tokens, which are made by the hundred: the cheaper signature.
  KeyRing::Signer signer = keys_.signer(
      access.job_id.empty() ? crypto::JwsAlgorithm::kRs256 : crypto::JwsAlgorithm::kEs256, time);
  return SecretString(crypto::make_jwt(signer.key, signer.algorithm, signer.kid, claims));
}

// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
// No `idtyp`: that is how it cannot be taken for an access token.
SecretString Tokens::issue_id_token(const SignedIn& signed_in, Timestamp when) const {
  const directory::Principal& user = signed_in.user;
  Json claims = Json::object({{"aud", signed_in.client_id},
                              {"iss", signed_in.adfs ? adfs_issuer() : issuer(2)},
                              {"iat", to_seconds(when)},
                              {"nbf", to_seconds(when)},
                              {"exp", to_seconds(when + std::chrono::hours(1))},
                              {"auth_time", to_seconds(signed_in.time)},
                              {"oid", user.object_id},
                              {"sub", user.object_id},
                              {"tid", installation_.tenant_id},
                              {"name", user.name},
                              {"preferred_username", user.upn},
                              {"upn", user.upn},
                              {"amr", Json::strings(signed_in.methods)},
                              {"sid", signed_in.session},
                              {"uti", make_uti(when)},
                              {"ver", "2.0"}});
  if (!signed_in.roles.empty()) claims.set("roles", Json::strings(signed_in.roles));
  if (!signed_in.nonce.empty()) claims.set("nonce", signed_in.nonce);
  KeyRing::Signer signer = keys_.signer(crypto::JwsAlgorithm::kRs256, when);
  return SecretString(crypto::make_jwt(signer.key, signer.algorithm, signer.kid, claims));
}

bool Tokens::present(const http::RequestHead& head) const {
  return istarts_with(head.headers.get_or("Authorization", {}), "Bearer ");
}

Result<core::Verified> Tokens::verify(const http::RequestHead& head, std::string_view audience) {
  return TRY(check(bearer(head), audience))->verified;
}

// All three only ever rise, so their sum stands for their state.
uint64_t Tokens::generation() const {
  return keys_.generation() + revocations_.generation() + directory_.generation();
}

Result<std::shared_ptr<const Checked>> Tokens::check(std::string_view token,
                                                     std::string_view audience) {
  VerifiedCache::Digest digest = VerifiedCache::digest_of(token);
  std::shared_ptr<const Checked> checked = cache_.find(digest);
  bool known = checked != nullptr;
  if (!known) checked = TRY(read(token));
  if (checked->verified.expires + kSkew < now())
    return unauthenticated("The access token has expired.", "ExpiredAuthenticationToken");
  uint64_t state = generation();  // before the look, so that a change during it is seen next time
  if (checked->valid_at.load(std::memory_order_acquire) != state) {
    TRY(check_standing(*checked));
    checked->valid_at.store(state, std::memory_order_release);
  }
  if (!known) cache_.put(digest, checked);
  if (checked->audience != audience && checked->audience != plain_audience(audience))
    return unauthenticated(
        cat({"The access token is for '", checked->audience, "', not for '", audience, "'."}),
        "InvalidAuthenticationTokenAudience");
  return checked;
}

Result<void> Tokens::check_standing(const Checked& checked) const {
  if (!keys_.find(checked.kid)) return invalid_token("The access token's key is not known.");
  if (revocations_.contains(kTokenDenied, checked.uti) ||
      revocations_.contains(kSessionEnded, checked.session))
    return invalid_token("The access token has been revoked.");
  if (revocations_.contains(kJobEnded, checked.job_id))
    return unauthenticated("The job this access token belongs to has ended.",
                           "ExpiredAuthenticationToken");
  directory::Standing standing = TRY(directory_.standing(checked.verified.object_id));
  if (!standing.admits(checked.issued))
    return invalid_token("The access token's principal was disabled, deleted or signed out.");
  return {};
}

Result<std::shared_ptr<const Checked>> Tokens::read(std::string_view token) {
  auto find_key = [&](const Json& header) { return keys_.find_anywhere(header["kid"].str()); };
  crypto::Jwt jwt = TRY(crypto::verify_jwt(token, find_key));
  TRY(crypto::check_jwt_times(jwt.claims, now(), kSkew));
  return std::shared_ptr<const Checked>(TRY(read_claims(jwt.header, jwt.claims)));
}

// Issuer and tenant exact; an ID token is none.
Result<std::shared_ptr<Checked>> Tokens::read_claims(const Json& header, const Json& claims) const {
  bool first = claims["ver"].str() == "1.0";
  if (claims["iss"].str() != issuer(first ? 1 : 2))
    return unauthenticated("The access token is from the wrong issuer.",
                           "InvalidAuthenticationTokenTenant");
  if (claims["tid"].str() != installation_.tenant_id)
    return unauthenticated("The access token is from the wrong tenant.",
                           "InvalidAuthenticationTokenTenant");
  if (claims["idtyp"].str().empty()) return invalid_token("The token is no access token.");
  auto checked = std::make_shared<Checked>();
  checked->audience = plain_audience(claims["aud"].str());
  checked->kid = header["kid"].text();
  checked->uti = claims["uti"].text();
  checked->session = claims["sid"].text();
  checked->job_id = claims[kJobClaim].text();
  checked->scopes = claims["scp"].text();
  auto issued = time_of_uti(checked->uti);
  if (!issued) return invalid_token("The access token has no id.");
  checked->issued = *issued;
  core::Verified& who = checked->verified;
  who.tenant_id = claims["tid"].text();
  who.object_id = claims["oid"].text();
  who.app_id = claims[first ? "appid" : "azp"].text();
  who.name = claims[checked->scopes.empty() ? "app_displayname" : "upn"].text();
  if (who.name.empty()) who.name = claims["preferred_username"].text();
  who.kind = core::CredentialKind::kBearer;
  who.expires = from_micros(claims["exp"].integer() * 1000000);
  if (const Json* grants = claims.find(kGrantsClaim)) who.grants = core::grants_from_json(*grants);
  if (who.object_id.empty()) return invalid_token("The access token names no principal.");
  return checked;
}

}  // namespace lazuli::identity
