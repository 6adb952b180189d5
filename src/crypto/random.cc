// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include "base/check.h"

namespace lazuli::crypto {
namespace {

void fill(void* data, size_t size) {
  CHECK(RAND_bytes(static_cast<unsigned char*>(data), static_cast<int>(size)) == 1);
}

}  // namespace

std::string random_bytes(size_t size) {
  std::string out(size, '\0');
  fill(out.data(), size);
  return out;
}

SecretBytes random_secret(size_t size) {
  SecretBytes out(size);
  fill(out.expose_mutable().data(), size);
  return out;
}

SecretString random_password(size_t size) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned kUsable = 256 / kAlphabet.size() * kAlphabet.size();
  std::string text;
  text.reserve(size);
  while (text.size() < size) {
    unsigned char byte = 0;
    fill(&byte, 1);
    if (byte < kUsable) text += kAlphabet[byte % kAlphabet.size()];
  }
  SecretString out(text);
  wipe(text.data(), text.size());
  return out;
}

}  // namespace lazuli::crypto
