// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include "base/check.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace lazuli::crypto {
namespace {

const unsigned char* raw(const std::byte* data) {
  return reinterpret_cast<const unsigned char*>(data);
}
unsigned char* raw(std::byte* data) { return reinterpret_cast<unsigned char*>(data); }

const EVP_CIPHER* algorithm() {
  static const EVP_CIPHER* const kAes256Gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return kAes256Gcm;
}

CipherContext make_context(const SecretBytes& key, int encrypt) {
  CHECK(key.size() == kAeadKeySize);
  CipherContext context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr);
  CHECK(EVP_CipherInit_ex2(context.get(), algorithm(), raw(key.expose().data()), nullptr, encrypt,
                           nullptr) == 1);
  return context;
}

// The nonce, the additional data, then the text itself; -1 leaves the direction as it was.
void process(EVP_CIPHER_CTX* context, std::string_view nonce, std::string_view aad,
             const std::byte* in, std::byte* out, size_t size) {
  CHECK(nonce.size() == kAeadNonceSize);
  CHECK(size <= INT32_MAX && aad.size() <= INT32_MAX);
  int done = 0;
  CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, bytes_of(nonce), -1, nullptr) == 1);
  CHECK(EVP_CipherUpdate(context, nullptr, &done, bytes_of(aad), static_cast<int>(aad.size())) ==
        1);
  if (size == 0) return;
  CHECK(EVP_CipherUpdate(context, raw(out), &done, raw(in), static_cast<int>(size)) == 1);
  CHECK(static_cast<size_t>(done) == size);
}

}  // namespace

void CipherContextFree::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);  // wipes the key schedule
}

Sealer::Sealer(const SecretBytes& key) : context_(make_context(key, 1)) {}

void Sealer::seal(std::string_view nonce, std::string_view aad, std::span<const std::byte> plain,
                  std::span<std::byte> out) {
  CHECK(out.size() == plain.size() + kAeadTagSize);
  EVP_CIPHER_CTX* context = context_.get();
  process(context, nonce, aad, plain.data(), out.data(), plain.size());
  std::byte* tag = out.data() + plain.size();
  int done = 0;
  CHECK(EVP_CipherFinal_ex(context, raw(tag), &done) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, tag) == 1);
}

Opener::Opener(const SecretBytes& key) : context_(make_context(key, 0)) {}

bool Opener::open(std::string_view nonce, std::string_view aad, std::span<const std::byte> sealed,
                  std::span<std::byte> out) {
  if (sealed.size() < kAeadTagSize) return false;
  size_t size = sealed.size() - kAeadTagSize;
  CHECK(out.size() == size);
  EVP_CIPHER_CTX* context = context_.get();
  process(context, nonce, aad, sealed.data(), out.data(), size);
  unsigned char tag[kAeadTagSize];
  std::memcpy(tag, sealed.data() + size, kAeadTagSize);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, tag) == 1);
  unsigned char rest[kAeadTagSize];
  int done = 0;
  if (EVP_CipherFinal_ex(context, rest, &done) == 1) return true;
  ERR_clear_error();
  wipe(out.data(), out.size());
  return false;
}

std::string seal_secret(const SecretBytes& key, std::string_view aad,
                        std::span<const std::byte> plain) {
  std::string nonce = random_bytes(kAeadNonceSize);
  std::string out = nonce;
  out.resize(kAeadNonceSize + plain.size() + kAeadTagSize);
  Sealer(key).seal(nonce, aad, plain,
                   std::as_writable_bytes(std::span(out)).subspan(kAeadNonceSize));
  return out;
}

Result<SecretBytes> open_secret(const SecretBytes& key, std::string_view aad,
                                std::string_view sealed) {
  Error corrupt = internal_error("a sealed value does not verify", "DataCorruption");
  if (sealed.size() < kAeadNonceSize + kAeadTagSize) return corrupt;
  std::string_view rest = sealed.substr(kAeadNonceSize);
  SecretBytes out(rest.size() - kAeadTagSize);
  bool opened =
      Opener(key).open(sealed.substr(0, kAeadNonceSize), aad,
                       std::as_bytes(std::span(rest.data(), rest.size())), out.expose_mutable());
  if (!opened) return corrupt;
  return out;
}

}  // namespace lazuli::crypto
