// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/error.h"

// For the files of this folder alone: owning pointers to OpenSSL's objects.
namespace lazuli::crypto {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

inline BioPtr read_bio(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

inline std::string_view bio_text(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

// The signature of data under the key that the context was made for.
inline std::string sign_with(EVP_MD_CTX* context, std::string_view data) {
  size_t size = 0;
  CHECK(EVP_DigestSign(context, nullptr, &size, bytes_of(data), data.size()) == 1);
  std::string signature(size, '\0');
  CHECK(EVP_DigestSign(context, bytes_of(signature), &size, bytes_of(data), data.size()) == 1);
  signature.resize(size);
  return signature;
}

// Takes the thread's queued OpenSSL errors into the message.
inline Error openssl_error(std::string_view what) {
  std::string message(what);
  char buffer[256];
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    ERR_error_string_n(code, buffer, sizeof buffer);
    message += ": ";
    message += buffer;
  }
  return internal_error(std::move(message));
}

}  // namespace lazuli::crypto
