// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace lazuli {
namespace {

bool is_zero(const SecretBytes& secret) {
  for (std::byte byte : secret.expose())
    if (byte != std::byte{0}) return false;
  return true;
}

TEST(Secret, BeginsZeroedWhateverWasThereBefore) {
  for (size_t size : {1u, 32u, 64u, 65u, 5000u})
    for (int round = 0; round < 200; ++round) {
      SecretBytes secret(size);
      ASSERT_TRUE(is_zero(secret));
      for (std::byte& byte : secret.expose_mutable()) byte = std::byte{0xaa};
    }
}

TEST(Secret, NoTwoShareMemory) {
  std::vector<SecretBytes> secrets;
  std::set<const std::byte*> places;
  for (int i = 0; i < 500; ++i) {
    secrets.emplace_back(64);
    for (std::byte& byte : secrets.back().expose_mutable()) byte = static_cast<std::byte>(i);
    places.insert(secrets.back().expose().data());
  }
  EXPECT_EQ(places.size(), secrets.size());
  for (int i = 0; i < 500; ++i)
    for (std::byte byte : secrets[static_cast<size_t>(i)].expose())
      ASSERT_EQ(byte, static_cast<std::byte>(i));
}

TEST(Secret, ManyThreadsMakeAndForgetThem) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 5000; ++i) {
        SecretBytes one(32), two(16);
        for (std::byte& byte : one.expose_mutable()) byte = static_cast<std::byte>(t);
        SecretBytes copy = one.clone();
        ASSERT_TRUE(is_zero(two));
        for (std::byte byte : copy.expose()) ASSERT_EQ(byte, static_cast<std::byte>(t));
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace lazuli
