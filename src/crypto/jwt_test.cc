// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwt.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"

namespace lazuli::crypto {
namespace {

class CryptoJwt : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = new PrivateKey(PrivateKey::generate(KeyKind::kRsa2048)); }
  static void TearDownTestSuite() { delete key_; }

  static std::optional<VerificationKey> find(const Json& header) {
    if (header["kid"].str() == "k1")
      return VerificationKey{key_->public_key(), {JwsAlgorithm::kRs256}};
    return std::nullopt;
  }
  static std::string with_header(std::string_view header) {
    std::string token = cat({to_base64url(header), ".", to_base64url("{}")});
    std::string signature = to_base64url(key_->sign(token));
    return cat({token, ".", signature});
  }

  static PrivateKey* key_;
};
PrivateKey* CryptoJwt::key_ = nullptr;

TEST_F(CryptoJwt, RoundTrips) {
  std::string token =
      make_jwt(*key_, JwsAlgorithm::kRs256, "k1", Json::object({{"sub", "me"}, {"exp", 5}}));
  auto jwt = verify_jwt(token, find);
  ASSERT_TRUE(jwt.ok());
  EXPECT_EQ(jwt->claims.dump(), R"({"sub":"me","exp":5})");
  EXPECT_EQ(jwt->header.dump(), R"({"typ":"JWT","alg":"RS256","kid":"k1"})");
}

TEST_F(CryptoJwt, RefusesEveryChangedCharacter) {
  std::string token = make_jwt(*key_, JwsAlgorithm::kRs256, "k1", Json::object({{"sub", "me"}}));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jwt(changed, find).ok()) << i;
  }
  for (std::string_view bad : {"", ".", "..", "a.b.c", "a.b.c.d"})
    EXPECT_EQ(verify_jwt(bad, find).error().wire_code, "InvalidAuthenticationToken");
  EXPECT_FALSE(verify_jwt(token + ".", find).ok());
  EXPECT_FALSE(verify_jwt(token.substr(0, token.rfind('.') + 1), find).ok());
  EXPECT_FALSE(verify_jwt(std::string(1 << 20, 'a'), find).ok());
}

TEST_F(CryptoJwt, PinsAlgorithmAndKey) {
  EXPECT_TRUE(
      verify_jwt(with_header(R"({"alg":"RS256","kid":"k1","jku":"https://x"})"), find).ok());
  for (std::string_view header :
       {R"({"alg":"none","kid":"k1"})", R"({"alg":"HS256","kid":"k1"})", R"({"kid":"k1"})",
        R"({"alg":"RS512","kid":"k1"})", R"({"alg":"rs256","kid":"k1"})", R"({"alg":"RS256"})",
        R"({"alg":"RS256","kid":"k2"})", R"({"alg":["RS256"],"kid":"k1"})",
        R"({"alg":"RS256","kid":"k1","crit":["b64"]})", R"([])", R"("RS256")"})
    EXPECT_FALSE(verify_jwt(with_header(header), find).ok()) << header;
}

TEST_F(CryptoJwt, RefusesAnHmacKeyedWithThePublicKey) {
  std::string pem = key_->public_key().to_pem();
  std::string token = cat({to_base64url(R"({"alg":"HS256","kid":"k1"})"), ".", to_base64url("{}")});
  auto key_bytes = std::as_bytes(std::span(pem.data(), pem.size()));
  std::string forged = cat({token, ".", to_base64url(hmac_sha256(key_bytes, token))});
  EXPECT_FALSE(verify_jwt(forged, find).ok());
}

TEST_F(CryptoJwt, RefusesForeignAndEllipticKeys) {
  PrivateKey other = PrivateKey::generate(KeyKind::kRsa2048);
  EXPECT_FALSE(verify_jwt(make_jwt(other, JwsAlgorithm::kRs256, "k1", Json::object()), find).ok());
  auto elliptic = [](const Json&) {
    return std::optional(VerificationKey{PrivateKey::generate(KeyKind::kEcP256).public_key(),
                                         {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256}});
  };
  EXPECT_FALSE(
      verify_jwt(make_jwt(*key_, JwsAlgorithm::kRs256, "k1", Json::object()), elliptic).ok());
}

TEST_F(CryptoJwt, ChecksTimesWithinTheSkew) {
  Timestamp moment = from_micros(1'000'000'000'000);  // 1,000,000 s
  Duration skew = std::chrono::seconds(120);
  auto wire_code = [&](std::string_view claims) {
    auto checked = check_jwt_times(*Json::parse(claims), moment, skew);
    return checked.ok() ? std::string("ok") : checked.error().wire_code;
  };
  EXPECT_EQ(wire_code(R"({"exp":1000001})"), "ok");
  EXPECT_EQ(wire_code(R"({"exp":999881,"nbf":1000120,"iat":1000120})"), "ok");
  EXPECT_EQ(wire_code(R"({"exp":999880})"), "ExpiredAuthenticationToken");
  for (std::string_view bad :
       {R"({})", R"({"exp":"1000001"})", R"({"exp":null})", R"({"exp":1000001,"nbf":1000121})",
        R"({"exp":1000001,"iat":1000121})", R"({"exp":1000001,"nbf":"0"})"})
    EXPECT_EQ(wire_code(bad), "InvalidAuthenticationToken") << bad;
}

TEST_F(CryptoJwt, KeysSurvivePemAndPublishTheirNumbers) {
  PrivateKey again = *PrivateKey::from_pem(key_->to_pem());
  std::string signature = again.sign("data");
  PublicKey public_key = *PublicKey::from_pem(key_->public_key().to_pem());
  EXPECT_TRUE(public_key.verify("data", signature));
  EXPECT_FALSE(public_key.verify("datb", signature));
  EXPECT_FALSE(public_key.verify("data", ""));
  const Json jwk = to_jwk(public_key, "k1", JwsAlgorithm::kRs256);
  EXPECT_EQ(jwk["e"].str(), "AQAB");
  EXPECT_EQ(from_base64url(jwk["n"].str())->size(), 256u);
  EXPECT_EQ(jwk["kid"].str(), "k1");
  PrivateKey elliptic = PrivateKey::generate(KeyKind::kEcP256);
  EXPECT_TRUE(
      PrivateKey::from_pem(elliptic.to_pem())->public_key().verify("x", elliptic.sign("x")));
  EXPECT_FALSE(PrivateKey::from_pem(SecretString("junk")).ok());
  EXPECT_FALSE(PublicKey::from_pem("junk").ok());
}

}  // namespace
}  // namespace lazuli::crypto
