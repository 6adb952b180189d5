// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <openssl/hmac.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

// Fetched once: OpenSSL 3 otherwise searches its providers on every use.
const EVP_MD* algorithm(DigestKind kind) {
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const kMd5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return kind == DigestKind::kSha256 ? kSha256 : kMd5;
}

std::string digest(DigestKind kind, std::span<const std::byte> data) {
  Hasher hasher(kind);
  hasher.update(data);
  return hasher.finish();
}

std::span<const std::byte> span_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

void Hasher::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Hasher::Hasher(DigestKind kind) : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_DigestInit_ex2(context_.get(), algorithm(kind), nullptr) == 1);
}

void Hasher::update(std::span<const std::byte> data) {
  CHECK(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

void Hasher::update(std::string_view data) { update(span_of(data)); }

std::string Hasher::finish() {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(context_.get(), bytes_of(out), &size) == 1);
  out.resize(size);
  return out;
}

std::string sha256(std::string_view data) { return sha256(span_of(data)); }

std::string sha256(std::span<const std::byte> data) { return digest(DigestKind::kSha256, data); }

std::string md5(std::string_view data) { return digest(DigestKind::kMd5, span_of(data)); }

std::string sha1(std::string_view data) {
  std::string out(20, '\0');
  unsigned size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), bytes_of(out), &size, EVP_sha1(), nullptr) == 1);
  CHECK(size == out.size());
  return out;
}

std::string hmac_sha256(std::span<const std::byte> key, std::string_view data) {
  std::string out(32, '\0');
  unsigned size = 0;
  CHECK(HMAC(algorithm(DigestKind::kSha256), key.data(), static_cast<int>(key.size()),
             bytes_of(data), data.size(), bytes_of(out), &size) != nullptr);
  CHECK(size == out.size());
  return out;
}

}  // namespace lazuli::crypto
