// SPDX-License-Identifier: Apache-2.0
#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

OSSL_PARAM octets(const char* name, std::string_view value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

}  // namespace

SecretBytes hkdf_sha256(const SecretBytes& key, std::string_view salt, std::string_view info,
                        size_t size) {
  using KdfPtr = std::unique_ptr<EVP_KDF, OpensslFree<EVP_KDF_free>>;
  using KdfContextPtr = std::unique_ptr<EVP_KDF_CTX, OpensslFree<EVP_KDF_CTX_free>>;
  KdfPtr kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  KdfContextPtr context(EVP_KDF_CTX_new(kdf.get()));
  CHECK(context != nullptr);
  auto secret = key.expose();
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets(OSSL_KDF_PARAM_KEY, {reinterpret_cast<const char*>(secret.data()), secret.size()}),
      octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end(),
  };
  SecretBytes out(size);
  auto* bytes = reinterpret_cast<unsigned char*>(out.expose_mutable().data());
  CHECK(EVP_KDF_derive(context.get(), bytes, size, params) == 1);
  return out;
}

}  // namespace lazuli::crypto
