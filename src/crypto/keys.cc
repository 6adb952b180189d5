// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <openssl/pem.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

std::shared_ptr<EVP_PKEY> share(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

// Without a callback OpenSSL would ask the terminal for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  BioPtr bio = read_bio(pem);
  EVP_PKEY* key = PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr);
  if (key == nullptr) return openssl_error("cannot read the public key");
  return PublicKey(share(key));
}

std::string PublicKey::to_pem() const {
  BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PUBKEY(bio.get(), handle()) == 1);
  return std::string(bio_text(bio.get()));
}

bool PublicKey::is_rsa() const { return EVP_PKEY_is_a(handle(), "RSA") == 1; }

bool PublicKey::verify(std::string_view data, std::string_view signature) const {
  DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, handle(),
                                nullptr) == 1);
  bool good = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(data),
                               data.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

PrivateKey PrivateKey::generate(KeyKind kind) {
  EVP_PKEY* key = kind == KeyKind::kRsa2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  CHECK(key != nullptr);
  return PrivateKey(share(key));
}

Result<PrivateKey> PrivateKey::from_pem(const SecretString& pem) {
  BioPtr bio = read_bio(pem.expose());
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr);
  if (key == nullptr) return openssl_error("cannot read the private key");
  return PrivateKey(share(key));
}

SecretString PrivateKey::to_pem() const {
  BioPtr bio(BIO_new(BIO_s_mem()));  // wiped when freed
  CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), handle(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
  return SecretString(bio_text(bio.get()));
}

std::string PrivateKey::sign(std::string_view data) const {
  DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, handle(),
                              nullptr) == 1);
  return sign_with(context.get(), data);
}

}  // namespace lazuli::crypto
