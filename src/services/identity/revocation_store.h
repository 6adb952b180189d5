// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "db/db.h"

namespace lazuli::identity {

// What ends tokens before their time.
struct Revocation {
  int64_t id = 0;
  std::string kind;     // "job", "session", "token"
  std::string subject;  // the job's id, a session's id, a token's uti
  Timestamp until{};    // when the last token concerned has expired anyway
};

// SQL of the revocations: a list that grows, so that other nodes read what is new.
class RevocationStore {
 public:
  explicit RevocationStore(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<void> add(db::Tx& caller, const Revocation& revocation);
  Result<std::vector<Revocation>> after(int64_t id);
  Result<void> drop_before(Timestamp time);
  db::Database::Handle& handle() { return handle_; }

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::identity
