// SPDX-License-Identifier: Apache-2.0
#include "crypto/jws.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

constexpr int kRsaBitsMin = 2048;
constexpr int kCoordinateSize = 32;  // of P-256

using SignaturePtr = std::unique_ptr<ECDSA_SIG, OpensslFree<ECDSA_SIG_free>>;

bool is_p256(const PublicKey& key) {
  char group[32] = {};
  size_t size = 0;
  return EVP_PKEY_is_a(key.handle(), "EC") == 1 &&
         EVP_PKEY_get_group_name(key.handle(), group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == "prime256v1";
}

// PSS with the parameters that RFC 7518 §3.5 fixes; nothing for the others.
void set_padding(EVP_PKEY_CTX* context, JwsAlgorithm algorithm) {
  if (algorithm != JwsAlgorithm::kPs256) return;
  CHECK(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1);
  CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

// DER's SEQUENCE of two integers ⇄ two coordinates of equal size.
std::string coordinates_of(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  SignaturePtr parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  CHECK(parts != nullptr);
  std::string raw(2 * kCoordinateSize, '\0');
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), bytes_of(raw), kCoordinateSize) ==
        kCoordinateSize);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), bytes_of(raw) + kCoordinateSize,
                     kCoordinateSize) == kCoordinateSize);
  return raw;
}

std::string der_of(std::string_view raw) {
  if (raw.size() != 2 * kCoordinateSize) return {};
  SignaturePtr parts(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(raw), kCoordinateSize, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(raw) + kCoordinateSize, kCoordinateSize, nullptr);
  CHECK(ECDSA_SIG_set0(parts.get(), r, s) == 1);
  int size = i2d_ECDSA_SIG(parts.get(), nullptr);
  CHECK(size > 0);
  std::string der(static_cast<size_t>(size), '\0');
  unsigned char* out = bytes_of(der);
  i2d_ECDSA_SIG(parts.get(), &out);
  return der;
}

}  // namespace

std::string_view to_string(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::kRs256:
      return "RS256";
    case JwsAlgorithm::kPs256:
      return "PS256";
    case JwsAlgorithm::kEs256:
      return "ES256";
  }
  return {};
}

std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name) {
  for (JwsAlgorithm each : {JwsAlgorithm::kRs256, JwsAlgorithm::kPs256, JwsAlgorithm::kEs256})
    if (to_string(each) == name) return each;
  return {};
}

bool key_fits(const PublicKey& key, JwsAlgorithm algorithm) {
  if (algorithm == JwsAlgorithm::kEs256) return is_p256(key);
  return key.is_rsa() && EVP_PKEY_get_bits(key.handle()) >= kRsaBitsMin;
}

std::string jws_sign(const PrivateKey& key, JwsAlgorithm algorithm, std::string_view data) {
  CHECK(key_fits(key.public_key(), algorithm));
  DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  CHECK(EVP_DigestSignInit_ex(context.get(), &parameters, "SHA256", nullptr, nullptr, key.handle(),
                              nullptr) == 1);
  set_padding(parameters, algorithm);
  std::string signature = sign_with(context.get(), data);
  return algorithm == JwsAlgorithm::kEs256 ? coordinates_of(signature) : signature;
}

bool jws_verify(const PublicKey& key, JwsAlgorithm algorithm, std::string_view data,
                std::string_view signature) {
  if (!key_fits(key, algorithm)) return false;
  std::string der;
  if (algorithm == JwsAlgorithm::kEs256) {
    der = der_of(signature);
    signature = der;
  }
  DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  CHECK(EVP_DigestVerifyInit_ex(context.get(), &parameters, "SHA256", nullptr, nullptr,
                                key.handle(), nullptr) == 1);
  set_padding(parameters, algorithm);
  bool good = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(data),
                               data.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace lazuli::crypto
