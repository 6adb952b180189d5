// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/events_store.h"
#include "core/operations_store.h"
#include "core/vault.h"
#include "crypto/random.h"
#include "db/testing.h"
#include "services/identity/sessions.h"
#include "services/identity/store.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {

// For tests: the parts of the token service on a real database and directory.
class IdentityFixture : public testing::TestWithParam<db::testing::Driver> {
 protected:
  static std::vector<db::Migration> migrations() {
    std::vector<db::Migration> all = Store::migrations();
    for (auto& more : {directory::directory_migrations(), core::StoredEvents::migrations(),
                       core::operations_migrations()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static core::Installation installation_of_tests() {
    core::Installation made;
    made.domain = "lazuli.localhost";
    made.tenant_id = "11111111-2222-3333-4444-555555555555";
    return made;
  }
  Result<void> write(std::function<Result<void>(db::Tx&)> closure) {
    return db.handle("identity").write(closure);
  }

  static constexpr std::string_view kAudience = "https://management.lazuli.localhost";

  db::testing::TestDatabase db{GetParam(), migrations()};
  core::Installation installation = installation_of_tests();
  std::unique_ptr<core::Vault> vault = core::make_vault(crypto::random_secret(32));
  std::unique_ptr<core::StoredEvents> events = core::StoredEvents::create(db.handle("core"));
  std::unique_ptr<directory::DirectoryOfTests> directory =
      directory::open_directory(db.handle("directory"), *vault, *events).value();
  directory::Principal principal = directory->ensure_service_principal("p").value();
  std::unique_ptr<KeyRing> keys = KeyRing::create(db.handle("identity"), *vault).value();
  Revocations revocations{db.handle("identity")};
  Tokens tokens{installation, *directory, *keys, revocations};
  Sessions sessions{db.handle("identity"), *directory, revocations, crypto::random_secret(32)};
};

}  // namespace lazuli::identity
