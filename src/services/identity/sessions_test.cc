// SPDX-License-Identifier: Apache-2.0
#include "services/identity/sessions.h"

#include "services/identity/testing.h"

namespace lazuli::identity {
namespace {

class IdentitySessionsTest : public IdentityFixture {
 protected:
  Session begin(Timestamp time = now()) {
    Session session = Sessions::fresh("app", "scope", {principal.object_id, time, {"pwd"}}, time);
    EXPECT_TRUE(write([&](db::Tx& tx) { return sessions.add(tx, session); }).ok());
    return session;
  }
  std::string redeem(const std::string& token, Timestamp time = now(),
                     const std::string& app = "app") {
    auto grant = sessions.redeem(token, app, time);
    return grant.ok() ? std::string(grant->refresh_token.expose()) : grant.error().wire_code;
  }
  std::string first_token(const Session& session) {
    return std::string(sessions.refresh_token(session).expose());
  }
  bool is_ended(const Session& session) { return revocations.contains(kSessionEnded, session.id); }
};
INSTANTIATE_TEST_SUITE_P(Drivers, IdentitySessionsTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(IdentitySessionsTest, ARefreshTokenIsFollowedByTheNext) {
  Session session = begin();
  std::string first = first_token(session), second = redeem(first), third = redeem(second);
  EXPECT_NE(first, second);
  EXPECT_NE(second, third);
  EXPECT_TRUE(third.starts_with("1."));
  EXPECT_FALSE(is_ended(session));
}

TEST_P(IdentitySessionsTest, TwoWithOneCacheGetTheSameSuccessor) {
  Session session = begin();
  std::string first = first_token(session);
  Timestamp time = now();
  std::string second = redeem(first, time);
  EXPECT_EQ(redeem(first, time + std::chrono::seconds(5)), second);
  EXPECT_FALSE(is_ended(session));
}

TEST_P(IdentitySessionsTest, ReuseEndsTheWholeFamily) {
  Session session = begin();
  std::string first = first_token(session);
  Timestamp time = now();
  std::string second = redeem(first, time);
  EXPECT_EQ(redeem(first, time + kReuseLeeway + std::chrono::seconds(1)), "invalid_grant");
  EXPECT_TRUE(is_ended(session));
  EXPECT_EQ(redeem(second), "invalid_grant");
  // So is one that is two behind, however soon.
  Session other = begin();
  std::string old = first_token(other);
  redeem(redeem(old));
  EXPECT_EQ(redeem(old), "invalid_grant");
  EXPECT_TRUE(is_ended(other));
}

TEST_P(IdentitySessionsTest, ForeignExpiredAndMadeUpTokensAreRefused) {
  Session session = begin();
  std::string token = first_token(session);
  EXPECT_EQ(redeem(token, now(), "other-app"), "invalid_grant");
  EXPECT_EQ(redeem(token, now() + kSessionLife + std::chrono::seconds(1)), "invalid_grant");
  EXPECT_FALSE(is_ended(session));
  std::string changed = token;
  changed[10] = changed[10] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {changed, std::string("1."), std::string(), token + "A",
                                 std::string("2.") + token.substr(2), std::string(5000, 'a')})
    EXPECT_EQ(redeem(bad), "invalid_grant") << bad;
  EXPECT_TRUE(redeem(token).starts_with("1."));
}

TEST_P(IdentitySessionsTest, ASignOutEndsWhatWasProvedBeforeIt) {
  Proof proof{principal.object_id, now(), {"pwd"}};
  EXPECT_TRUE(sessions.check_person(proof).ok());
  ASSERT_TRUE(
      db.handle("directory")
          .write([&](db::Tx& tx) { return directory->end_sessions(tx, principal.object_id); })
          .ok());
  EXPECT_FALSE(sessions.check_person(proof).ok());
  proof.time = now();
  EXPECT_TRUE(sessions.check_person(proof).ok());
  EXPECT_FALSE(sessions.check_person({"nobody", now(), {}}).ok());
}

TEST_P(IdentitySessionsTest, AnAssertionIsUsedOnceUntilItExpires) {
  auto use = [&](const std::string& app, Timestamp until) {
    return *db.handle("identity").write([&](db::Tx& tx) {
      return SessionStore::use_assertion(tx, app, "jti", until);
    });
  };
  Timestamp until = now() + std::chrono::minutes(10);
  EXPECT_TRUE(use("a", until));
  EXPECT_FALSE(use("a", until));
  EXPECT_TRUE(use("b", until));
  db.reopen();
  EXPECT_FALSE(use("a", until));
  ASSERT_TRUE(db.handle("identity")
                  .write([&](db::Tx& tx) {
                    return SessionStore::drop_expired(tx, until + std::chrono::seconds(1));
                  })
                  .ok());
  EXPECT_TRUE(use("a", until));
}

TEST_P(IdentitySessionsTest, ADeviceCodeGoesThroughItsStates) {
  auto in_write = [&](auto closure) { return db.handle("identity").write(closure); };
  DeviceCode code{"h", "BCDFGHJKL", "app", "scope", "pending", {}, now(), {}, 5};
  code.expires = now() + std::chrono::minutes(15);
  EXPECT_TRUE(*in_write([&](db::Tx& tx) { return SessionStore::add_device(tx, code); }));
  DeviceCode same = code;
  same.hash = "other";
  EXPECT_FALSE(*in_write([&](db::Tx& tx) { return SessionStore::add_device(tx, same); }));
  auto read = [&] {
    return *db.handle("identity").read([&](db::Reader& reader) {
      return SessionStore::device_by_user_code(reader, "BCDFGHJKL");
    });
  };
  EXPECT_EQ(read()->state, "pending");
  ASSERT_TRUE(in_write([&](db::Tx& tx) {
                return SessionStore::set_device_state(tx, "h", "approved", {"me", now(), {"pwd"}});
              }).ok());
  EXPECT_EQ(read()->proof.object_id, "me");
  EXPECT_EQ(read()->proof.methods, std::vector<std::string>{"pwd"});
}

}  // namespace
}  // namespace lazuli::identity
