// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/events_store.h"
#include "core/operations_store.h"
#include "core/vault.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "db/testing.h"
#include "services/directory/api.h"
#include "services/directory/credential_store.h"
#include "services/directory/principals.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

std::vector<db::Migration> migrations() {
  std::vector<db::Migration> all = directory_migrations();
  for (auto& more : {core::StoredEvents::migrations(), core::operations_migrations()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

class DirectoryTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  template <typename F>
  auto write(F&& closure) {
    return handle.write(std::forward<F>(closure));
  }
  Object add(std::string_view kind, const std::string& name) {
    Object object = new_object(kind, name);
    if (kind == kUser) object.upn = name + "@example.org";
    EXPECT_TRUE(write([&](db::Tx& tx) { return Store::add(tx, object); }).ok());
    return object;
  }
  void put_into(const Object& group, const std::string& member) {
    ASSERT_TRUE(write([&](db::Tx& tx) {
                  return RelationStore::add(tx, Relation::kMember, group.object_id, member);
                }).ok());
  }
  void set_password(const Object& user, const std::string& password, bool must_change = false) {
    std::string hash = directory->hash_password(SecretString(password)).value();
    ASSERT_TRUE(write([&](db::Tx& tx) {
                  return directory->set_password(tx, user.object_id, hash, must_change);
                }).ok());
  }
  PasswordVerdict try_password(const Object& user, const std::string& password) {
    return directory->verify_password(*user.upn, SecretString(password)).value().verdict;
  }

  db::testing::TestDatabase db{GetParam(), migrations()};
  db::Database::Handle handle = db.handle("directory");
  std::unique_ptr<core::Vault> vault = core::make_vault(crypto::random_secret(32));
  std::unique_ptr<core::StoredEvents> events = core::StoredEvents::create(db.handle("core"));
  std::unique_ptr<DirectoryOfTests> directory = open_directory(handle, *vault, *events).value();
};
INSTANTIATE_TEST_SUITE_P(Drivers, DirectoryTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(DirectoryTest, AServicePrincipalIsMadeOnceWithItsApplication) {
  Principal first = directory->ensure_service_principal("p").value();
  Principal again = directory->ensure_service_principal("p").value();
  EXPECT_EQ(first.object_id, again.object_id);
  EXPECT_EQ(directory->find_by_app_id(first.app_id)->value().object_id, first.object_id);
  EXPECT_EQ(directory->find_by_object_id(first.object_id)->value().name, "p");
  EXPECT_NE(directory->find_application(first.app_id)->value().object_id, first.object_id);
  EXPECT_FALSE(directory->find_by_app_id("nobody")->has_value());
}

TEST_P(DirectoryTest, AClientsNameIsNotTheServersOwn) {
  add(kServicePrincipal, "administrator");
  Principal own = directory->ensure_service_principal("administrator").value();
  EXPECT_TRUE(directory->find_application(own.app_id)->has_value());
}

TEST_P(DirectoryTest, SecretsProveTheirApplicationOnly) {
  Principal one = directory->ensure_service_principal("one").value();
  Principal two = directory->ensure_service_principal("two").value();
  NewSecret secret = directory->add_secret(one.app_id, "").value();
  NewSecret second = directory->add_secret(one.app_id, "").value();
  EXPECT_TRUE(directory->verify_client_secret(one.app_id, secret.text).value());
  EXPECT_TRUE(directory->verify_client_secret(one.app_id, second.text).value());
  EXPECT_FALSE(directory->verify_client_secret(two.app_id, secret.text).value());
  EXPECT_FALSE(directory->verify_client_secret(one.app_id, SecretString("")).value());
  EXPECT_FALSE(directory->verify_client_secret("", secret.text).value());
  EXPECT_FALSE(directory->add_secret("nobody", "").ok());
}

TEST_P(DirectoryTest, GroupsNestAndCirclesEnd) {
  Object a = add(kGroup, "a"), b = add(kGroup, "b"), c = add(kGroup, "c");
  Object user = add(kUser, "u");
  put_into(a, user.object_id);
  put_into(b, a.object_id);
  put_into(c, b.object_id);
  put_into(a, c.object_id);
  EXPECT_EQ(directory->standing(user.object_id)->groups->size(), 3u);
  EXPECT_TRUE(directory->standing(new_uuid())->groups->empty());
}

TEST_P(DirectoryTest, AStandingIsNeverStale) {
  Principal p = directory->ensure_service_principal("p").value();
  Timestamp issued = now();
  EXPECT_TRUE(directory->standing(p.object_id)->admits(issued));
  EXPECT_TRUE(directory->standing(to_lower(p.object_id))->admits(issued));
  uint64_t before = directory->generation();
  ASSERT_TRUE(
      write([&](db::Tx& tx) { return directory->set_enabled(tx, p.object_id, false); }).ok());
  EXPECT_GT(directory->generation(), before);
  EXPECT_FALSE(directory->standing(p.object_id)->admits(issued));
  ASSERT_TRUE(
      write([&](db::Tx& tx) { return directory->set_enabled(tx, p.object_id, true); }).ok());
  ASSERT_TRUE(write([&](db::Tx& tx) { return directory->end_sessions(tx, p.object_id); }).ok());
  EXPECT_FALSE(directory->standing(p.object_id)->admits(issued));
  EXPECT_TRUE(directory->standing(p.object_id)->admits(now()));
  ASSERT_TRUE(write([&](db::Tx& tx) { return directory->remove(tx, p.object_id); }).ok());
  EXPECT_FALSE(directory->standing(p.object_id)->exists);
  EXPECT_FALSE(directory->find_by_object_id(p.object_id)->has_value());
}

TEST_P(DirectoryTest, PasswordsAreChecked) {
  Object user = add(kUser, "ann");
  EXPECT_EQ(try_password(user, "none yet"), PasswordVerdict::kRefused);
  set_password(user, "Correct-1", true);
  EXPECT_EQ(try_password(user, "Correct-1"), PasswordVerdict::kMustChange);
  EXPECT_EQ(try_password(user, "correct-1"), PasswordVerdict::kRefused);
  auto changed =
      directory->change_password(*user.upn, SecretString("Correct-1"), SecretString("Another-2"));
  EXPECT_EQ(changed.value(), PasswordVerdict::kAccepted);
  EXPECT_EQ(try_password(user, "Another-2"), PasswordVerdict::kAccepted);
  auto answer = directory->verify_password("ANN@example.org", SecretString("Another-2"));
  EXPECT_EQ(answer->user->object_id, user.object_id);
  ASSERT_TRUE(
      write([&](db::Tx& tx) { return directory->set_enabled(tx, user.object_id, false); }).ok());
  EXPECT_EQ(try_password(user, "Another-2"), PasswordVerdict::kDisabled);
  EXPECT_EQ(try_password(user, "wrong"), PasswordVerdict::kRefused);
  auto nobody = directory->verify_password("nobody@example.org", SecretString("x"));
  EXPECT_EQ(nobody->verdict, PasswordVerdict::kRefused);
}

TEST_P(DirectoryTest, GuessingLocks) {
  Object user = add(kUser, "ann");
  set_password(user, "Correct-1");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(try_password(user, "w"), PasswordVerdict::kRefused);
  EXPECT_EQ(try_password(user, "Correct-1"), PasswordVerdict::kLocked);
  set_password(user, "Correct-2");
  EXPECT_EQ(try_password(user, "Correct-2"), PasswordVerdict::kAccepted);
}

// Whatever the right attempt's end falls between: those that began after it count.
TEST_P(DirectoryTest, WhoKnowsThePasswordDoesNotForgiveWhoGuessesMeanwhile) {
  Object user = add(kUser, "ann");
  set_password(user, "Correct-1");
  std::thread knows(
      [&] { EXPECT_EQ(try_password(user, "Correct-1"), PasswordVerdict::kAccepted); });
  auto has_begun = [&] {
    return handle
               .read([&](db::Reader& reader) {
                 return CredentialStore::password_of(reader, user.object_id);
               })
               .value()
               ->failures > 0;
  };
  auto deadline = SteadyClock::now() + std::chrono::seconds(5);
  while (!has_begun() && SteadyClock::now() < deadline) std::this_thread::yield();
  std::vector<std::thread> guess;
  for (int i = 0; i < 11; ++i) guess.emplace_back([&] { try_password(user, "w"); });
  for (std::thread& each : guess) each.join();
  knows.join();
  EXPECT_EQ(try_password(user, "Correct-1"), PasswordVerdict::kLocked);
}

TEST_P(DirectoryTest, WeakPasswordsAreRefused) {
  for (const char* weak : {"", "Aa1-", "alllowercase", "lower-and-punctuation", "12345678"})
    EXPECT_EQ(directory->hash_password(SecretString(weak)).error().wire_code, "Request_BadRequest");
  std::string long_one = "Aa1" + std::string(300, 'x');
  EXPECT_FALSE(directory->hash_password(SecretString(long_one)).ok());
}

TEST_P(DirectoryTest, AnIdentityBelongsToItsResource) {
  const std::string id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/ys/Box";
  auto assign = [&](const std::string& resource, WantedIdentity wanted) {
    return write([&](db::Tx& tx) { return directory->assign_identity(tx, resource, wanted); });
  };
  const WantedIdentity system{"SystemAssigned", true, {}};
  const std::string object = assign(id, system)->find("principalId")->text();
  EXPECT_EQ((*assign(id, system))["principalId"].str(), object);
  const Principal made = directory->find_by_resource_id(to_lower(id))->value();
  EXPECT_EQ(made.object_id, object);
  EXPECT_EQ(made.resource_id, id);
  EXPECT_EQ(made.name, "Box");

  const std::string other = assign(id + "2", system)->find("principalId")->text();
  ASSERT_TRUE(assign(id + "2", {"None", false, {}}).ok());  // no longer wanted
  EXPECT_FALSE(directory->find_by_object_id(other)->has_value());
}

TEST_P(DirectoryTest, UserAssignedIdentitiesAreFilledIn) {
  const std::string id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/ys/Box";
  const std::string kind =
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/"
      "userAssignedIdentities/";
  const Object mine = new_managed_identity(kind + "Mine", true);
  ASSERT_TRUE(write([&](db::Tx& tx) { return Store::add(tx, mine); }).ok());
  auto assign = [&](const std::string& identity) {
    const WantedIdentity both{"SystemAssigned,UserAssigned", true, {identity}};
    return write([&](db::Tx& tx) { return directory->assign_identity(tx, id, both); });
  };
  const Json given = assign(to_lower(kind) + "mine").value();
  EXPECT_FALSE(given["principalId"].str().empty());
  EXPECT_EQ(given["userAssignedIdentities"][kind + "Mine"]["principalId"].str(), mine.object_id);
  EXPECT_EQ(given["userAssignedIdentities"][kind + "Mine"]["clientId"].str(), *mine.app_id);
  EXPECT_EQ(assign(kind + "absent").error().wire_code, "FailedIdentityOperation");
  EXPECT_EQ(assign(id).error().wire_code, "FailedIdentityOperation");  // a system-assigned one
}

TEST(WantedIdentityTest, IsReadAsClientsSendIt) {
  const std::string one =
      "/subscriptions/s/resourceGroups/g/providers/"
      "Microsoft.ManagedIdentity/userAssignedIdentities/one";
  auto read = [](const std::string& text, const Json& before = {},
                 IdentityChange change = IdentityChange::kReplace) {
    return read_identity(Json::parse(text).value(), before, change);
  };
  EXPECT_FALSE(read("null")->has_value());
  EXPECT_TRUE((*read(R"({"type": "systemassigned"})"))->system_assigned);
  const std::string two = cat({R"({"type": "SystemAssigned, UserAssigned", )",
                               R"("userAssignedIdentities": {")", one, R"(": {}}})"});
  const WantedIdentity both = **read(two);
  EXPECT_TRUE(both.system_assigned);
  EXPECT_EQ(both.type, "SystemAssigned, UserAssigned");
  EXPECT_EQ(both.user_assigned, std::vector<std::string>{one});

  const Json before = Json::parse(two).value();
  const std::string off = cat({R"({"userAssignedIdentities": {")", to_lower(one), R"(": null}})"});
  EXPECT_EQ(read(off, before, IdentityChange::kMerge).error().wire_code, "InvalidIdentity");
  EXPECT_EQ(
      (*read(R"({"type": "UserAssigned"})", before, IdentityChange::kMerge))->user_assigned.size(),
      1u);
  EXPECT_EQ((*read(R"({"type": "None"})", before, IdentityChange::kMerge))->type, "None");
  for (const char* bad : {"3", "[]", "{}", R"({"type": "Robot"})", R"({"type": ""})",
                          R"({"type": "None,SystemAssigned"})", R"({"type": "UserAssigned"})",
                          R"({"type": "SystemAssigned,SystemAssigned"})",
                          R"({"type": "UserAssigned", "userAssignedIdentities": ["a"]})",
                          R"({"type": "UserAssigned", "userAssignedIdentities": {"/a/b": {}}})",
                          R"({"type": "SystemAssigned", "userAssignedIdentities": {"/a": {}}})"})
    EXPECT_EQ(read(bad).error().wire_code, "InvalidIdentity") << bad;
}

TEST_P(DirectoryTest, TheSetupCodeWorksOnce) {
  EXPECT_TRUE(directory->is_first_start().value());
  SecretString code = directory->make_setup_code().value();
  EXPECT_FALSE(directory->is_first_start().value());
  EXPECT_EQ(code.expose().size(), 19u);
  std::string hash = directory->hash_password(SecretString("Secret-123")).value();
  auto redeem = [&](std::string_view text, const std::string& upn) {
    return write([&](db::Tx& tx) {
      return directory->redeem_setup_code(tx, SecretString(text), {upn, "Ann", hash});
    });
  };
  EXPECT_EQ(redeem("AAAA-AAAA-AAAA-AAAA", "a@b").error().wire_code, "InvalidSetupCode");
  EXPECT_EQ(redeem(code.expose(), "no upn").error().wire_code, "Request_BadRequest");
  Principal made = redeem(to_lower(code.expose()), "ann@example.org").value();
  EXPECT_EQ(directory->find_by_upn("ann@example.org")->value().object_id, made.object_id);
  EXPECT_FALSE(redeem(code.expose(), "bob@example.org").ok());
  EXPECT_FALSE(redeem("", "bob@example.org").ok());
}

TEST(DirectoryMigrationTest, TakesPrincipalsAndSecretsOver) {
  for (db::testing::Driver driver : db::testing::all_drivers()) {
    std::vector<db::Migration> before = {
        {"identity", 1,
         "CREATE TABLE identity_principal (app_id {text} PRIMARY KEY, object_id {text} NOT NULL "
         "UNIQUE, name {text} NOT NULL UNIQUE, created_us {int} NOT NULL); CREATE TABLE "
         "identity_secret (app_id {text} NOT NULL REFERENCES identity_principal (app_id) ON DELETE "
         "CASCADE, hash {text} NOT NULL, created_us {int} NOT NULL, PRIMARY KEY (app_id, hash))"}};
    db::testing::TestDatabase db(driver, before);
    auto vault = core::make_vault(crypto::random_secret(32));
    std::string app = new_uuid(), object = new_uuid();
    std::string hash = to_hex(crypto::hmac_sha256(vault->derive("identity.client_secret").expose(),
                                                  app + "\nold-secret"));
    auto filled = db.handle("identity").write([&](db::Tx& tx) -> Result<void> {
      TRY(tx.exec("INSERT INTO identity_principal VALUES (?, ?, 'administrator', 1)",
                  {app, object}));
      TRY(tx.exec("INSERT INTO identity_secret VALUES (?, ?, 1)", {app, hash}));
      return {};
    });
    ASSERT_TRUE(filled.ok());
    std::vector<db::Migration> all = before;
    for (auto& each : migrations()) all.push_back(each);
    auto done = db->migrate(all);
    ASSERT_TRUE(done.ok()) << done.error().message;
    auto events = core::StoredEvents::create(db.handle("core"));
    auto directory = open_directory(db.handle("directory"), *vault, *events).value();
    EXPECT_EQ(directory->ensure_service_principal("administrator")->object_id, object);
    EXPECT_TRUE(directory->verify_client_secret(app, SecretString("old-secret")).value());
  }
}

}  // namespace
}  // namespace lazuli::directory
