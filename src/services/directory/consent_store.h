// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"

namespace lazuli::directory {

// A delegated permission: what a client may do at a resource for one person, or for all.
struct Consent {
  std::string id, client_id, resource_id;
  std::string principal_id;  // empty: for all
  std::string consent_type;  // "AllPrincipals", "Principal"
  std::string scope;
};

class ConsentStore {
 public:
  static Result<std::vector<Consent>> list(db::Executor& db);
  static Result<std::optional<Consent>> find(db::Executor& db, const std::string& id);
  // kConflict where client, resource and principal have one already.
  static Result<void> add(db::Tx& tx, const Consent& consent);
  static Result<void> set_scope(db::Tx& tx, const std::string& id, const std::string& scope);
  static Result<bool> remove(db::Tx& tx, const std::string& id);
};

}  // namespace lazuli::directory
