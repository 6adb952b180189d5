// SPDX-License-Identifier: Apache-2.0
#include "services/identity/tokens.h"

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "services/identity/testing.h"

namespace lazuli::identity {
namespace {

class IdentityTokensTest : public IdentityFixture {
 protected:
  Access access() const {
    Access made;
    made.subject = principal;
    made.audience = std::string(kAudience);
    return made;
  }
  std::string issue(const Access& wanted, Timestamp time = now()) const {
    return std::string(tokens.issue(wanted, time).expose());
  }
  std::string code_of(const std::string& token, std::string_view audience = kAudience) {
    auto checked = tokens.check(token, audience);
    return checked.ok() ? "ok" : checked.error().wire_code;
  }
  static Json claims_of(const std::string& token) {
    return *Json::parse(*from_base64url(split(token, '.')[1]));
  }
};
INSTANTIATE_TEST_SUITE_P(Drivers, IdentityTokensTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(IdentityTokensTest, OneAudienceWhateverThePort) {
  Access wanted = access();
  wanted.audience = "https://management.lazuli.localhost:8443/";
  std::string token = issue(wanted);
  auto checked = tokens.check(token, kAudience);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ((*checked)->verified.object_id, principal.object_id);
  EXPECT_EQ((*checked)->verified.app_id, principal.app_id);
  EXPECT_FALSE((*checked)->verified.grants.has_value());
  EXPECT_EQ(code_of(token, "https://storage.azure.com"), "InvalidAuthenticationTokenAudience");
  EXPECT_EQ(code_of(token, "https://management.lazuli.localhost.evil"),
            "InvalidAuthenticationTokenAudience");
}

TEST_P(IdentityTokensTest, ClaimsHaveAzuresShape) {
  const Json first = claims_of(issue(access()));
  EXPECT_EQ(first["ver"].str(), "1.0");
  EXPECT_EQ(first["iss"].str(), tokens.issuer(1));
  EXPECT_EQ(first["appid"].str(), principal.app_id);
  EXPECT_EQ(first["appidacr"].str(), "1");
  EXPECT_EQ(first["idtyp"].str(), "app");
  EXPECT_EQ(first["uti"].str().size(), 22u);
  EXPECT_FALSE(first.contains("scp"));
  Access second = access();
  second.version = 2;
  second.scopes = "user_impersonation";
  second.subject.upn = "a@b";
  second.subject.resource_id = "/subscriptions/s/x";
  second.knows_claims_challenges = true;
  const Json v2 = claims_of(issue(second));
  EXPECT_EQ(v2["ver"].str(), "2.0");
  EXPECT_EQ(v2["iss"].str(), tokens.issuer(2));
  EXPECT_EQ(v2["azp"].str(), principal.app_id);
  EXPECT_EQ(v2["scp"].str(), "user_impersonation");
  EXPECT_EQ(v2["idtyp"].str(), "user");
  EXPECT_EQ(v2["xms_mirid"].str(), "/subscriptions/s/x");
  EXPECT_EQ(v2["xms_cc"].dump(), R"(["CP1"])");
}

TEST_P(IdentityTokensTest, AnExpiredTokenIsRefusedAlsoWhenItIsRemembered) {
  EXPECT_EQ(code_of(issue(access(), now() - std::chrono::hours(2))), "ExpiredAuthenticationToken");
  Access quick = access();
  quick.lifetime = std::chrono::seconds(1);
  std::string token = issue(quick, now() - std::chrono::milliseconds(57'500));  // skew: 60 s
  EXPECT_EQ(code_of(token), "ok");
  std::this_thread::sleep_for(std::chrono::milliseconds(4'600));
  EXPECT_EQ(code_of(token), "ExpiredAuthenticationToken");
}

TEST_P(IdentityTokensTest, GrantsTravelInTheToken) {
  Access wanted = access();
  wanted.grants = {{{"a/*", "b/read"}, "/scope"}};
  auto checked = tokens.check(issue(wanted), kAudience);
  ASSERT_TRUE(checked.ok() && (*checked)->verified.grants);
  EXPECT_EQ((*checked)->verified.grants->at(0).scope, "/scope");
  EXPECT_EQ((*checked)->verified.grants->at(0).operations,
            (std::vector<std::string>{"a/*", "b/read"}));
}

// Each of these is remembered as good first: what ends it must be seen at the next look.
TEST_P(IdentityTokensTest, RevocationCountsAtOnce) {
  Access of_job = access();
  of_job.job_id = "job1";
  Access of_session = access();
  of_session.session = "s1";
  std::string plain = issue(access()), job = issue(of_job), session = issue(of_session);
  for (const std::string& token : {plain, job, session}) EXPECT_EQ(code_of(token), "ok");
  Timestamp until = now() + std::chrono::hours(1);
  ASSERT_TRUE(
      write([&](db::Tx& tx) { return revocations.add(tx, kJobEnded, "job1", until); }).ok());
  EXPECT_EQ(code_of(job), "ExpiredAuthenticationToken");
  EXPECT_EQ(code_of(session), "ok");
  ASSERT_TRUE(
      write([&](db::Tx& tx) { return revocations.add(tx, kSessionEnded, "s1", until); }).ok());
  EXPECT_EQ(code_of(session), "InvalidAuthenticationToken");
  EXPECT_EQ(code_of(plain), "ok");
  std::string uti = claims_of(plain)["uti"].text();
  ASSERT_TRUE(
      write([&](db::Tx& tx) { return revocations.add(tx, kTokenDenied, uti, until); }).ok());
  EXPECT_EQ(code_of(plain), "InvalidAuthenticationToken");
  // Another node reads it from the database.
  Revocations other(db.handle("identity"));
  ASSERT_TRUE(other.refresh().ok());
  EXPECT_TRUE(other.contains(kTokenDenied, uti));
  ASSERT_TRUE(other.prune(until + std::chrono::seconds(1)).ok());
  EXPECT_FALSE(other.contains(kTokenDenied, uti));
}

TEST_P(IdentityTokensTest, ThePrincipalsStandingCountsAtOnce) {
  std::string before = issue(access());
  EXPECT_EQ(code_of(before), "ok");
  auto directory_write = [&](auto closure) { return db.handle("directory").write(closure); };
  ASSERT_TRUE(directory_write([&](db::Tx& tx) {
                return directory->end_sessions(tx, principal.object_id);
              }).ok());
  EXPECT_EQ(code_of(before), "InvalidAuthenticationToken");
  std::string after = issue(access());  // within the same second
  EXPECT_EQ(code_of(after), "ok");
  ASSERT_TRUE(directory_write([&](db::Tx& tx) {
                return directory->set_enabled(tx, principal.object_id, false);
              }).ok());
  EXPECT_EQ(code_of(after), "InvalidAuthenticationToken");
  ASSERT_TRUE(directory_write([&](db::Tx& tx) {
                return directory->set_enabled(tx, principal.object_id, true);
              }).ok());
  ASSERT_TRUE(
      directory_write([&](db::Tx& tx) { return directory->remove(tx, principal.object_id); }).ok());
  EXPECT_EQ(code_of(issue(access())), "InvalidAuthenticationToken");
}

TEST_P(IdentityTokensTest, KeysSurviveAndStrangersAreRefused) {
  std::string token = issue(access());
  auto reloaded = KeyRing::create(db.handle("identity"), *vault);
  ASSERT_TRUE(reloaded.ok());
  Tokens again(installation, *directory, **reloaded, revocations);
  EXPECT_TRUE(again.check(token, kAudience).ok());
  core::Installation other = installation;
  other.tenant_id = "99999999-2222-3333-4444-555555555555";
  Tokens stranger(other, *directory, *keys, revocations);
  EXPECT_FALSE(stranger.check(token, kAudience).ok());
}

TEST_P(IdentityTokensTest, AnIdTokenIsNoAccessToken) {
  SignedIn signed_in{principal, std::string(kAudience), "n", "s", now(), {"pwd"}, false};
  std::string token(tokens.issue_id_token(signed_in).expose());
  EXPECT_EQ(code_of(token), "InvalidAuthenticationToken");
  const Json claims = claims_of(token);
  EXPECT_EQ(claims["nonce"].str(), "n");
  EXPECT_EQ(claims["iss"].str(), tokens.issuer(2));
}

TEST_P(IdentityTokensTest, JobsTokensAreSignedTheCheaperWayWithTheirOwnKey) {
  Access of_job = access();
  of_job.job_id = "j";
  auto header = [](const std::string& token) {
    return *Json::parse(*from_base64url(split(token, '.')[0]));
  };
  EXPECT_EQ(std::as_const(*std::make_unique<Json>(header(issue(of_job))))["alg"].str(), "ES256");
  EXPECT_EQ(std::as_const(*std::make_unique<Json>(header(issue(access()))))["alg"].str(), "RS256");
}

TEST_P(IdentityTokensTest, TheRingRotatesWithoutAGap) {
  constexpr auto kDay = std::chrono::hours(24);
  Timestamp start = now();
  auto kids = [&] { return keys->jwks()["keys"].size(); };
  auto signer = [&](Timestamp time) {
    return keys->signer(crypto::JwsAlgorithm::kRs256, time).kid;
  };
  ASSERT_EQ(kids(), 2u);
  std::string first = signer(start);
  std::string token = issue(access());
  ASSERT_TRUE(keys->maintain(start + 27 * kDay).ok());
  EXPECT_EQ(kids(), 2u);
  // Two days ahead: published, not used.
  ASSERT_TRUE(keys->maintain(start + 28 * kDay + std::chrono::hours(1)).ok());
  EXPECT_EQ(kids(), 4u);
  EXPECT_EQ(signer(start + 29 * kDay), first);
  std::string second = signer(start + 30 * kDay + std::chrono::hours(2));
  EXPECT_NE(second, first);
  // The old one verifies what it signed until that has ended.
  ASSERT_TRUE(keys->maintain(start + 31 * kDay).ok());
  EXPECT_EQ(code_of(token), "ok");
  EXPECT_TRUE(keys->find(first).has_value());
  uint64_t generation = keys->generation();
  ASSERT_TRUE(keys->maintain(start + 62 * kDay).ok());
  ASSERT_TRUE(keys->maintain(start + 62 * kDay).ok());
  EXPECT_FALSE(keys->find(first).has_value());
  EXPECT_GT(keys->generation(), generation);
  EXPECT_EQ(code_of(token), "InvalidAuthenticationToken");
}

TEST_P(IdentityTokensTest, ARotationAtOnceKeepsWhatWasSignedBefore) {
  std::string before = issue(access());
  auto other = KeyRing::create(db.handle("identity"), *vault).value();
  std::string first = keys->signer(crypto::JwsAlgorithm::kRs256, now()).kid;
  ASSERT_TRUE(keys->rotate(now(), KeyRing::Start::kAtOnce).ok());
  std::string second = keys->signer(crypto::JwsAlgorithm::kRs256, now()).kid;
  EXPECT_NE(first, second);
  EXPECT_EQ(keys->jwks()["keys"].size(), 4u);
  std::string after = issue(access());
  EXPECT_EQ(code_of(before), "ok");
  EXPECT_EQ(code_of(after), "ok");
  for (const auto& each : keys->describe(now()))
    EXPECT_EQ(each.state, each.expires == Timestamp{} ? "signing" : "verifying") << each.kid;
  // Another node learns of it from the token; what nobody has made is looked for now and then.
  EXPECT_FALSE(other->find(second));
  EXPECT_TRUE(other->find_anywhere(second));
  EXPECT_FALSE(other->find_anywhere("made-up"));
}

TEST_P(IdentityTokensTest, ARotationAheadIsPublishedFirstAndMayBeHurried) {
  std::string first = keys->signer(crypto::JwsAlgorithm::kRs256, now()).kid;
  ASSERT_TRUE(keys->rotate(now(), KeyRing::Start::kAhead).ok());
  ASSERT_TRUE(keys->rotate(now(), KeyRing::Start::kAhead).ok());  // it is on its way already
  EXPECT_EQ(keys->jwks()["keys"].size(), 4u);
  EXPECT_EQ(keys->signer(crypto::JwsAlgorithm::kRs256, now()).kid, first);
  std::string next = keys->signer(crypto::JwsAlgorithm::kRs256, now() + std::chrono::hours(49)).kid;
  EXPECT_NE(next, first);
  ASSERT_TRUE(keys->rotate(now(), KeyRing::Start::kAtOnce).ok());
  EXPECT_EQ(keys->jwks()["keys"].size(), 4u);
  EXPECT_EQ(keys->signer(crypto::JwsAlgorithm::kRs256, now()).kid, next);
}

TEST_P(IdentityTokensTest, ADroppedKeyTakesItsTokensAlong) {
  std::string before = issue(access());
  std::string first = keys->signer(crypto::JwsAlgorithm::kRs256, now()).kid;
  EXPECT_EQ(code_of(before), "ok");
  EXPECT_EQ(keys->drop(first, now()).error().code, Code::kConflict);
  EXPECT_EQ(keys->drop("nobody's", now()).error().code, Code::kNotFound);
  ASSERT_TRUE(keys->rotate(now(), KeyRing::Start::kAtOnce).ok());
  std::string after = issue(access());
  ASSERT_TRUE(keys->drop(first, now()).ok());
  EXPECT_EQ(code_of(before), "InvalidAuthenticationToken");
  EXPECT_EQ(code_of(after), "ok");
}

TEST_P(IdentityTokensTest, ATokensIdTellsItsMicrosecond) {
  Timestamp time = from_micros(1'764'000'123'456'789);
  EXPECT_EQ(time_of_uti(make_uti(time)), time);
  EXPECT_NE(make_uti(time), make_uti(time));
  EXPECT_FALSE(time_of_uti("short").has_value());
}

}  // namespace
}  // namespace lazuli::identity
