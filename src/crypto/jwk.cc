// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/check.h"
#include "base/strings.h"
#include "codec/text.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

constexpr int kRsaBitsMax = 8192;
constexpr size_t kKeysMax = 64;
constexpr size_t kCoordinateSize = 32;

using NumberPtr = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslFree<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpensslFree<OSSL_PARAM_free>>;

// Big-endian base64url; `size` 0: without leading zeros.
std::string encode_number(EVP_PKEY* key, const char* name, int size) {
  BIGNUM* value = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  NumberPtr owned(value);
  if (size == 0) size = BN_num_bytes(value);
  std::string bytes(static_cast<size_t>(size), '\0');
  CHECK(BN_bn2binpad(value, bytes_of(bytes), size) == size);
  return to_base64url(bytes);
}

Result<EVP_PKEY*> make_key(const char* kind, OSSL_PARAM_BLD* builder) {
  ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    ERR_clear_error();
    return invalid_argument("the key's numbers make no key");
  }
  return key;
}

Result<NumberPtr> decode_number(const Json& json, const char* name) {
  std::string bytes = TRY(from_base64url(json[name].str()));
  if (bytes.empty() || bytes.size() > kRsaBitsMax / 8)
    return invalid_argument(cat({"the key's ", name, " has the wrong size"}));
  return NumberPtr(
      BN_bin2bn(bytes_of(std::string_view(bytes)), static_cast<int>(bytes.size()), nullptr));
}

Result<PublicKey> rsa_key(const Json& json) {
  NumberPtr modulus = TRY(decode_number(json, "n"));
  NumberPtr exponent = TRY(decode_number(json, "e"));
  BuilderPtr builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
  return PublicKey({TRY(make_key("RSA", builder.get())), EVP_PKEY_free});
}

Result<PublicKey> ec_key(const Json& json) {
  std::string x = TRY(from_base64url(json["x"].str()));
  std::string y = TRY(from_base64url(json["y"].str()));
  if (json["crv"].str() != "P-256" || x.size() != kCoordinateSize || y.size() != kCoordinateSize)
    return invalid_argument("the key is not on P-256");
  std::string point = cat({"\x04", x, y});
  BuilderPtr builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ==
        1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) == 1);
  return PublicKey({TRY(make_key("EC", builder.get())), EVP_PKEY_free});
}

}  // namespace

Json to_jwk(const PublicKey& key, std::string_view kid, JwsAlgorithm algorithm) {
  CHECK(key_fits(key, algorithm));
  Json json = Json::object({{"kty", key.is_rsa() ? "RSA" : "EC"},
                            {"use", "sig"},
                            {"alg", to_string(algorithm)},
                            {"kid", kid}});
  if (key.is_rsa()) {
    json.set("n", encode_number(key.handle(), OSSL_PKEY_PARAM_RSA_N, 0));
    json.set("e", encode_number(key.handle(), OSSL_PKEY_PARAM_RSA_E, 0));
  } else {
    json.set("crv", "P-256");
    json.set("x", encode_number(key.handle(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateSize));
    json.set("y", encode_number(key.handle(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateSize));
  }
  return json;
}

Result<Jwk> parse_jwk(const Json& json) {
  if (json["use"].str("sig") != "sig") return invalid_argument("the key is not for signatures");
  std::string_view kind = json["kty"].str();
  if (kind != "RSA" && kind != "EC") return invalid_argument("the key is of another kind");
  Jwk jwk{json["kid"].text(), TRY(kind == "RSA" ? rsa_key(json) : ec_key(json)), {}};
  if (const Json* name = json.find("alg")) {
    auto algorithm = parse_jws_algorithm(name->str());
    if (algorithm) jwk.algorithms = {*algorithm};
  } else if (kind == "RSA") {
    jwk.algorithms = {JwsAlgorithm::kRs256, JwsAlgorithm::kPs256};
  } else {
    jwk.algorithms = {JwsAlgorithm::kEs256};
  }
  if (jwk.algorithms.empty() || !key_fits(jwk.key, jwk.algorithms.front()))
    return invalid_argument("the key does not fit its algorithm");
  return jwk;
}

std::vector<Jwk> parse_jwks(const Json& document) {
  std::vector<Jwk> keys;
  for (const Json& each : document["keys"].items()) {
    if (keys.size() == kKeysMax) break;
    if (auto key = parse_jwk(each); key.ok()) keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace lazuli::crypto
