// SPDX-License-Identifier: Apache-2.0
#include "crypto/jws.h"

#include <gtest/gtest.h>

#include "codec/text.h"
#include "crypto/jwk.h"
#include "crypto/jwt.h"

namespace lazuli::crypto {
namespace {

using Algorithms = std::vector<JwsAlgorithm>;

struct CryptoJws : testing::Test {
  PrivateKey rsa = PrivateKey::generate(KeyKind::kRsa2048);
  PrivateKey elliptic = PrivateKey::generate(KeyKind::kEcP256);
};

TEST_F(CryptoJws, EachAlgorithmVerifiesItsOwnSignaturesAlone) {
  const std::pair<const PrivateKey*, JwsAlgorithm> all[] = {{&rsa, JwsAlgorithm::kRs256},
                                                            {&rsa, JwsAlgorithm::kPs256},
                                                            {&elliptic, JwsAlgorithm::kEs256}};
  for (const auto& [signer, algorithm] : all) {
    std::string signature = jws_sign(*signer, algorithm, "data");
    EXPECT_EQ(signature.size(), algorithm == JwsAlgorithm::kEs256 ? 64u : 256u);
    for (const auto& [verifier, other] : all)
      EXPECT_EQ(jws_verify(verifier->public_key(), other, "data", signature), other == algorithm);
    EXPECT_FALSE(jws_verify(signer->public_key(), algorithm, "datb", signature));
    signature.back() = static_cast<char>(signature.back() ^ 1);
    EXPECT_FALSE(jws_verify(signer->public_key(), algorithm, "data", signature));
    EXPECT_FALSE(jws_verify(signer->public_key(), algorithm, "data", ""));
  }
}

TEST_F(CryptoJws, AnEllipticSignatureHasOneForm) {
  // DER, as OpenSSL writes it, is not what JWA allows.
  EXPECT_FALSE(
      jws_verify(elliptic.public_key(), JwsAlgorithm::kEs256, "data", elliptic.sign("data")));
  EXPECT_FALSE(
      jws_verify(elliptic.public_key(), JwsAlgorithm::kEs256, "data", std::string(64, '\0')));
}

TEST_F(CryptoJws, NamesAreExact) {
  EXPECT_EQ(parse_jws_algorithm("ES256"), JwsAlgorithm::kEs256);
  for (std::string_view name : {"none", "HS256", "rs256", "RS512", "", "ES256K"})
    EXPECT_FALSE(parse_jws_algorithm(name).has_value()) << name;
}

// RFC 7515 appendix A.3.
TEST_F(CryptoJws, KnowsThePublishedExampleOfEs256) {
  const Json jwk =
      *Json::parse(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                   R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  auto key = parse_jwk(jwk);
  ASSERT_TRUE(key.ok()) << key.error().message;
  constexpr std::string_view kToken =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
      "NvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmW"
      "QxfKTUJqPP3-Kg6NU1Q";
  auto find = [&](const Json&) { return VerificationKey{key->key, key->algorithms}; };
  EXPECT_TRUE(verify_jwt(kToken, find).ok());
}

TEST_F(CryptoJws, KeysTravelAsJwk) {
  for (auto [key, algorithm] :
       {std::pair(&rsa, JwsAlgorithm::kRs256), std::pair(&elliptic, JwsAlgorithm::kEs256)}) {
    const Json json = to_jwk(key->public_key(), "k", algorithm);
    EXPECT_FALSE(json.contains("d"));
    auto back = parse_jwk(json);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->kid, "k");
    EXPECT_EQ(back->algorithms, Algorithms{algorithm});
    EXPECT_TRUE(jws_verify(back->key, algorithm, "x", jws_sign(*key, algorithm, "x")));
  }
}

TEST_F(CryptoJws, UnfitKeysAreLeftOut) {
  const Json good = to_jwk(rsa.public_key(), "k", JwsAlgorithm::kRs256);
  auto with = [&](std::string_view member, Json value) {
    Json json = good;
    json.set(member, std::move(value));
    return json;
  };
  EXPECT_TRUE(parse_jwk(good).ok());
  EXPECT_FALSE(parse_jwk(with("use", "enc")).ok());
  EXPECT_FALSE(parse_jwk(with("kty", "oct")).ok());
  EXPECT_FALSE(parse_jwk(with("alg", "HS256")).ok());
  EXPECT_FALSE(parse_jwk(with("alg", "ES256")).ok());
  EXPECT_FALSE(parse_jwk(with("n", "AQAB")).ok());
  EXPECT_FALSE(parse_jwk(with("n", to_base64url(std::string(2000, 'x')))).ok());
  const Json off_curve =
      *Json::parse(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                   R"("y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})");
  EXPECT_FALSE(parse_jwk(off_curve).ok());
  EXPECT_EQ(parse_jwks(Json::object({{"keys", Json::array({off_curve, good})}})).size(), 1u);
  EXPECT_TRUE(parse_jwks(Json::array()).empty());
}

}  // namespace
}  // namespace lazuli::crypto
