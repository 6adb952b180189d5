// SPDX-License-Identifier: Apache-2.0
#include "cli/env_command.h"

#include <gtest/gtest.h>

namespace lazuli::cli {
namespace {

TEST(CliEnv, DirectModeAppendsTheDomainOnce) {
  EXPECT_EQ(no_proxy_direct("", "lazuli.localhost"), "lazuli.localhost,.lazuli.localhost");
  std::string once = no_proxy_direct("a.example", "lazuli.localhost");
  EXPECT_EQ(once, "a.example,lazuli.localhost,.lazuli.localhost");
  EXPECT_EQ(no_proxy_direct(once, "lazuli.localhost"), once);
}

TEST(CliEnv, ProxyModeDropsWhatWouldBypassOurProxy) {
  EXPECT_EQ(no_proxy_through_us("localhost,127.0.0.1, a.example,*", "lazuli.localhost", {}),
            "127.0.0.1,a.example");
  EXPECT_EQ(no_proxy_through_us(".lazuli.localhost,x.lazuli.localhost", "lazuli.localhost", {}),
            "");
  EXPECT_EQ(no_proxy_through_us("calhost", "lazuli.localhost", {}), "calhost");
}

TEST(CliEnv, ProxyModeLeavesPackageIndexesDirect) {
  EXPECT_EQ(no_proxy_through_us("a.example", "lazuli.localhost",
                                {"pip.example", "a.example", "localhost"}),
            "a.example,pip.example");
}

TEST(CliEnv, QuotesForTheShell) {
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace lazuli::cli
