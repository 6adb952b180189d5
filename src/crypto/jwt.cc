// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwt.h"

#include "base/check.h"
#include "base/strings.h"
#include "codec/text.h"

namespace lazuli::crypto {
namespace {

constexpr size_t kTokenSizeMax = 32u << 10;
constexpr Json::Limits kLimits{kTokenSizeMax, 16};

Error invalid(std::string_view why) {
  return unauthenticated(cat({"The access token is invalid: ", why, "."}),
                         "InvalidAuthenticationToken");
}

Result<Json> decode_object(std::string_view part) {
  auto text = from_base64url(part);
  if (!text.ok()) return invalid("it is not base64url");
  auto json = Json::parse(*text, kLimits);
  if (!json.ok() || !json->is_object()) return invalid("it is not a JSON object");
  return *std::move(json);
}

// A NumericDate that must be one if it is there.
Result<std::optional<double>> numeric_date(const Json& claims, std::string_view name) {
  const Json* claim = claims.find(name);
  if (claim == nullptr) return std::optional<double>();
  if (!claim->is_number()) return invalid(cat({name, " is not a number"}));
  return std::optional<double>(claim->number());
}

}  // namespace

std::string make_jwt(const PrivateKey& key, JwsAlgorithm algorithm, std::string_view kid,
                     const Json& claims) {
  Json header = Json::object({{"typ", "JWT"}, {"alg", to_string(algorithm)}, {"kid", kid}});
  std::string token = cat({to_base64url(header.dump()), ".", to_base64url(claims.dump())});
  std::string signature = to_base64url(jws_sign(key, algorithm, token));
  return cat({token, ".", signature});
}

Result<Jwt> peek_jwt(std::string_view token) {
  if (token.size() > kTokenSizeMax) return invalid("it is too long");
  std::vector<std::string_view> parts = split(token, '.');
  if (parts.size() != 3) return invalid("it does not have three parts");
  return Jwt{TRY(decode_object(parts[0])), TRY(decode_object(parts[1]))};
}

Result<Jwt> verify_jwt(std::string_view token, const FindKey& find_key) {
  if (token.size() > kTokenSizeMax) return invalid("it is too long");
  if (token.find('=') != token.npos) return invalid("it is padded");  // RFC 7515 §2
  std::vector<std::string_view> parts = split(token, '.');
  if (parts.size() != 3) return invalid("it does not have three parts");
  Json header = TRY(decode_object(parts[0]));
  auto algorithm = parse_jws_algorithm(std::as_const(header)["alg"].str());
  if (!algorithm) return invalid("its algorithm is not accepted");
  if (header.contains("crit")) return invalid("it has critical headers");
  std::optional<VerificationKey> known = find_key(header);
  if (!known) return invalid("its key is not known");
  if (std::ranges::find(known->algorithms, *algorithm) == known->algorithms.end())
    return invalid("its algorithm is not the key's");
  auto signature = from_base64url(parts[2]);
  std::string_view covered = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!signature.ok() || !jws_verify(known->key, *algorithm, covered, *signature))
    return invalid("its signature does not match");
  Json claims = TRY(decode_object(parts[1]));
  return Jwt{std::move(header), std::move(claims)};
}

Result<void> check_jwt_times(const Json& claims, Timestamp time, Duration skew) {
  double moment = static_cast<double>(to_micros(time)) / 1e6;
  double allowance = static_cast<double>(skew.count()) / 1e6;
  std::optional<double> expiry = TRY(numeric_date(claims, "exp"));
  if (!expiry) return invalid("it never expires");
  if (moment >= *expiry + allowance)
    return unauthenticated("The access token expiry time has passed.",
                           "ExpiredAuthenticationToken");
  for (std::string_view name : {"nbf", "iat"}) {
    std::optional<double> start = TRY(numeric_date(claims, name));
    if (start && moment < *start - allowance) return invalid("it is not valid yet");
  }
  return {};
}

}  // namespace lazuli::crypto
