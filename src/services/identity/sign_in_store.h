// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "db/db.h"

namespace lazuli::identity {

// One attempt to get a token or to sign in, as the sign-in log keeps it.
struct SignIn {
  int64_t id = 0;
  Timestamp time{};
  std::string object_id, name;   // empty where nobody was recognised
  std::string app_id, resource;  // who asked, for what
  std::string grant;             // "client_credentials", "password", "device_code", …
  std::string peer, agent;       // where from
  std::string request_id;
  int64_t error = 0;  // AADSTS number; 0: success
  std::string failure;
};

// SQL of the sign-in log.
class SignInStore {
 public:
  explicit SignInStore(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<void> add(const SignIn& sign_in);
  // Newest first, below `before` (0: from the newest).
  Result<std::vector<SignIn>> latest(size_t count, int64_t before);
  Result<void> drop_before(Timestamp time, size_t kept_max);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::identity
