// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

struct evp_pkey_st;

namespace lazuli::crypto {

enum class KeyKind { kRsa2048, kEcP256 };

// Cheap to copy; safe to use from several threads at once.
class PublicKey {
 public:
  explicit PublicKey(std::shared_ptr<evp_pkey_st> handle) : handle_(std::move(handle)) {}

  static Result<PublicKey> from_pem(std::string_view pem);  // SubjectPublicKeyInfo
  std::string to_pem() const;
  bool is_rsa() const;
  // RSA: PKCS#1 v1.5 (JWT's RS256). EC: ECDSA in DER. Both over SHA-256 of `data`.
  bool verify(std::string_view data, std::string_view signature) const;
  evp_pkey_st* handle() const { return handle_.get(); }

 private:
  std::shared_ptr<evp_pkey_st> handle_;
};

// Cheap to copy; safe to use from several threads at once. Never printed or serialised but by
// to_pem.
class PrivateKey {
 public:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> handle) : handle_(std::move(handle)) {}

  static PrivateKey generate(KeyKind kind);
  static Result<PrivateKey> from_pem(const SecretString& pem);
  SecretString to_pem() const;  // PKCS#8, unencrypted
  PublicKey public_key() const { return PublicKey(handle_); }
  bool is_rsa() const { return public_key().is_rsa(); }
  // The counterpart of PublicKey::verify.
  std::string sign(std::string_view data) const;
  evp_pkey_st* handle() const { return handle_.get(); }

 private:
  std::shared_ptr<evp_pkey_st> handle_;
};

}  // namespace lazuli::crypto
