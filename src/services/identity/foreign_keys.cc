// SPDX-License-Identifier: Apache-2.0
#include "services/identity/foreign_keys.h"

#include "base/strings.h"

namespace lazuli::identity {
namespace {

constexpr auto kLife = std::chrono::hours(1);
constexpr auto kPauseBetweenFetches = std::chrono::minutes(1);
constexpr size_t kIssuersMax = 256;
constexpr Json::Limits kLimits{1u << 20, 16};

bool has_key(const std::vector<crypto::Jwk>& keys, const std::string& kid) {
  return std::ranges::any_of(keys, [&](const crypto::Jwk& each) { return each.kid == kid; });
}

Result<Json> read_json(const http::Response& response) {
  const auto* text = std::get_if<std::string>(&response.body);
  if (text == nullptr) return unavailable("the answer is no document");
  Json json = TRY(Json::parse(*text, kLimits));
  if (!json.is_object()) return unavailable("the answer is no JSON object");
  return json;
}

}  // namespace

std::optional<crypto::VerificationKey> key_named(const std::vector<crypto::Jwk>& keys,
                                                 const Json& header) {
  std::string_view kid = header["kid"].str();
  if (kid.empty() && keys.size() != 1) return {};
  for (const crypto::Jwk& each : keys)
    if (kid.empty() || each.kid == kid) return crypto::VerificationKey{each.key, each.algorithms};
  return {};
}

Result<Json> ForeignIssuers::get(const std::string& url) {
  if (!url.starts_with("https://")) return invalid_argument("the address is not https");
  http::ClientRequest request;
  request.url = url;
  request.headers.set("Accept", "application/json");
  http::Response response = TRY(fetch_(request));
  if (response.status != 200)
    return unavailable(cat({url, " answered ", std::to_string(response.status)}));
  return read_json(response);
}

// OpenID Connect Discovery §4.3: the document must be the issuer's own.
Result<std::shared_ptr<const ForeignIssuers::Known>> ForeignIssuers::fetch_issuer(
    const std::string& issuer) {
  std::string base = issuer;
  while (base.ends_with('/')) base.pop_back();
  Known fresh;
  fresh.configuration = TRY(get(base + "/.well-known/openid-configuration"));
  const Json& document = fresh.configuration;
  if (document["issuer"].str() != issuer)
    return unavailable("the discovery document names another issuer");
  const Json jwks = TRY(get(document["jwks_uri"].text()));
  fresh.keys = crypto::parse_jwks(jwks);
  fresh.fetched = SteadyClock::now();
  return std::make_shared<const Known>(std::move(fresh));
}

Result<std::shared_ptr<const ForeignIssuers::Known>> ForeignIssuers::remembered(
    const std::string& issuer, const std::string& kid) {
  const auto time = SteadyClock::now();
  std::lock_guard lock(mutex_);
  const auto found = known_.find(issuer);
  if (found != known_.end()) {
    const bool enough = kid.empty() || has_key(found->second->keys, kid);
    if (time - found->second->fetched < (enough ? kLife : kPauseBetweenFetches))
      return found->second;
  }
  const auto failed = failures_.find(issuer);
  if (failed == failures_.end()) return std::shared_ptr<const Known>();
  if (time - failed->second.time < failure_life_) return failed->second.error;
  failures_.erase(failed);
  return std::shared_ptr<const Known>();
}

Result<std::shared_ptr<const ForeignIssuers::Known>> ForeignIssuers::known(
    const std::string& issuer, const std::string& kid) {
  if (auto before = TRY(remembered(issuer, kid))) return before;
  auto fresh = fetch_issuer(issuer);
  std::lock_guard lock(mutex_);
  if (!fresh.ok()) {
    if (failures_.size() >= kIssuersMax) failures_.erase(failures_.begin());
    failures_[issuer] = {fresh.error(), SteadyClock::now()};
    return fresh;
  }
  if (known_.size() >= kIssuersMax) known_.erase(known_.begin());
  known_[issuer] = *fresh;
  return fresh;
}

Result<Json> ForeignIssuers::configuration(const std::string& issuer) {
  return TRY(known(issuer, {}))->configuration;
}

Result<std::vector<crypto::Jwk>> ForeignIssuers::keys(const std::string& issuer,
                                                      const std::string& kid) {
  return TRY(known(issuer, kid))->keys;
}

Result<Json> ForeignIssuers::post_form(const std::string& url, const std::string& form) {
  if (!url.starts_with("https://")) return invalid_argument("the address is not https");
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = url;
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("Accept", "application/json");
  request.body = form;
  return read_json(TRY(fetch_(request)));
}

}  // namespace lazuli::identity
