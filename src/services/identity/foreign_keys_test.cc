// SPDX-License-Identifier: Apache-2.0
#include "services/identity/foreign_keys.h"

#include <gtest/gtest.h>

namespace lazuli::identity {
namespace {

struct IdentityForeignIssuers : testing::Test {
  std::string issuer = "https://issuer.example/a";
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyKind::kEcP256);
  Json configuration =
      Json::object({{"issuer", issuer}, {"jwks_uri", "https://issuer.example/keys"}});
  Json jwks = Json::object(
      {{"keys", Json::array({to_jwk(key.public_key(), "k1", crypto::JwsAlgorithm::kEs256)})}});
  std::vector<std::string> asked;
  int status = 200;
  Fetch fetch() {
    return [this](const http::ClientRequest& request) -> Result<http::Response> {
      asked.push_back(request.url);
      bool is_keys = request.url.ends_with("/keys");
      return http::Response(status, is_keys ? jwks.dump() : configuration.dump());
    };
  }
  ForeignIssuers issuers{fetch()};
};

TEST_F(IdentityForeignIssuers, KeysAreFetchedOnceAndKept) {
  auto keys = issuers.keys(issuer, "k1");
  ASSERT_TRUE(keys.ok()) << keys.error().message;
  EXPECT_EQ(keys->at(0).kid, "k1");
  ASSERT_TRUE(issuers.keys(issuer, "k1").ok());
  // One that is not there does not make us ask again at once.
  ASSERT_TRUE(issuers.keys(issuer, "k2").ok());
  EXPECT_EQ(asked,
            (std::vector<std::string>{"https://issuer.example/a/.well-known/openid-configuration",
                                      "https://issuer.example/keys"}));
}

TEST_F(IdentityForeignIssuers, ADocumentMustBeTheIssuersOwn) {
  auto refused = [&] { return !ForeignIssuers(fetch()).keys(issuer, "k1").ok(); };
  configuration.set("issuer", "https://other.example");
  EXPECT_TRUE(refused());
  EXPECT_FALSE(issuers.keys("http://issuer.example", "k1").ok());
  configuration.set("issuer", issuer).set("jwks_uri", "http://issuer.example/keys");
  EXPECT_TRUE(refused());
}

TEST_F(IdentityForeignIssuers, AFailureIsRememberedForAWhile) {
  status = 503;
  EXPECT_FALSE(issuers.keys(issuer, "k1").ok());
  status = 200;
  const size_t before = asked.size();
  auto again = issuers.keys(issuer, "k1");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kUnavailable);
  EXPECT_EQ(asked.size(), before) << "the issuer is left in peace";
}

TEST_F(IdentityForeignIssuers, AFailureIsForgotten) {
  ForeignIssuers quick(fetch(), Duration(0));
  status = 503;
  EXPECT_FALSE(quick.keys(issuer, "k1").ok());
  status = 200;
  EXPECT_TRUE(quick.keys(issuer, "k1").ok());
}

TEST_F(IdentityForeignIssuers, OnlyTheOnlyKeyGoesUnnamed) {
  auto one = issuers.keys(issuer, "k1").value();
  std::vector<crypto::Jwk> two = {one[0], one[0]};
  two[1].kid = "k2";
  const Json none = Json::object(), second = Json::object({{"kid", "k2"}});
  EXPECT_TRUE(key_named(one, none));
  EXPECT_FALSE(key_named(one, second));
  EXPECT_FALSE(key_named(two, none));
  EXPECT_TRUE(key_named(two, second));
  EXPECT_FALSE(key_named({}, none));
}

}  // namespace
}  // namespace lazuli::identity
