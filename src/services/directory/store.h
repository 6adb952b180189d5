// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/directory/api.h"
#include "services/directory/model.h"

namespace lazuli::directory {

// SQL of the directory: objects, and who is in which group. Functions run in the caller's
// transaction; they publish nothing.
class Store {
 public:
  static std::vector<db::Migration> migrations();

  // kConflict where object id, app id, UPN or resource id is taken.
  static Result<void> add(db::Tx& tx, const Object& object);
  // Everything but object id, kind, app id and the time of creation.
  static Result<void> update(db::Tx& tx, const Object& object);
  // False where there is none. Credentials and memberships go with it.
  static Result<bool> remove(db::Tx& tx, const std::string& object_id);
  static Result<bool> set_not_before(db::Tx& tx, const std::string& object_id, Timestamp time);
  static Result<bool> set_enabled(db::Tx& tx, const std::string& object_id, bool enabled);

  static Result<std::optional<Object>> find(db::Executor& db, const std::string& object_id);
  static Result<std::optional<Object>> find_by_app_id(db::Executor& db, std::string_view kind,
                                                      const std::string& app_id);
  static Result<std::optional<Object>> find_by_upn(db::Executor& db, const std::string& upn);
  static Result<std::optional<Object>> find_by_resource_id(db::Executor& db,
                                                           const std::string& resource_id);
  static Result<std::optional<Object>> find_by_identifier_uri(db::Executor& db,
                                                              const std::string& uri);
  // The server's own principals, whatever clients may name theirs.
  static Result<std::optional<Object>> find_well_known(db::Executor& db, const std::string& name);
  static Result<void> add_well_known(db::Tx& tx, const std::string& name,
                                     const std::string& object_id);

  // Of one kind, by object id, beyond `after`; `kind` empty: all kinds.
  static Result<std::vector<Object>> list(db::Executor& db, std::string_view kind,
                                          const std::string& after, size_t count_max);
  static Result<std::vector<Object>> find_all(db::Executor& db,
                                              const std::vector<std::string>& object_ids);
  // User-assigned identities whose resources lie below an ARM id, by that id.
  static Result<std::vector<Object>> identities_below(db::Executor& db, const std::string& scope);
  // Managed identities of both kinds, of the resource and of what lies below it.
  static Result<std::vector<Object>> principals_below(db::Executor& db, const std::string& scope);
  // Whether it is one of the server's own principals, or the application of one.
  static Result<bool> is_well_known(db::Executor& db, const Object& object);

  // All groups above, each once, however they are nested; a circle ends.
  static Result<std::vector<std::string>> groups_of(db::Executor& db, const std::string& member_id);
};

// Who stands in which relation to an object: members of a group, owners of anything.
enum class Relation { kMember, kOwner };

class RelationStore {
 public:
  // False where it was there already, or was not.
  static Result<bool> add(db::Tx& tx, Relation relation, const std::string& object_id,
                          const std::string& other_id);
  static Result<bool> remove(db::Tx& tx, Relation relation, const std::string& object_id,
                             const std::string& other_id);
  // Those of the object; the objects it is one of.
  static Result<std::vector<Object>> of(db::Executor& db, Relation relation,
                                        const std::string& object_id);
  static Result<std::vector<Object>> held_by(db::Executor& db, Relation relation,
                                             const std::string& other_id);
  // Members of the group and of the groups within, each once.
  static Result<std::vector<Object>> transitive_members(db::Executor& db,
                                                        const std::string& group_id);
};

}  // namespace lazuli::directory
