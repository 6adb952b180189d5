// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/auth.h"
#include "db/db.h"

namespace lazuli::authorization {

// Built-in roles that the server itself hands out; their ids are the same in every Azure cloud.
inline constexpr std::string_view kOwnerRole = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
inline constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
inline constexpr std::string_view kBlobDataOwnerRole = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
inline constexpr std::string_view kDataScientistRole = "f6c7c914-8db3-469d-8ca1-694a8f32e121";

// Why somebody may or may not do something.
struct Explanation {
  // An assignment whose scope covers the question's.
  struct Reason {
    std::string assignment_id, scope;
    std::string principal_id;  // the asked one, or a group that holds it
    std::string role_id, role_name;
    std::string condition;
    // "granted", "noAction", "subtractedByNotActions", "conditionFalse", "conditionUnknown",
    // "roleMissing"
    std::string finding;
  };
  bool allowed = false;
  std::string assignment_id;           // what allowed it
  std::string denial_id, denial_name;  // the deny assignment that refused it
  std::vector<Reason> considered;
};

// A deny assignment of the server's own: nobody but those excluded may do the actions on the scope
// and below, whatever their roles.
struct SystemDenial {
  std::string name, description, scope;
  std::vector<std::string> actions, data_actions;
  std::vector<std::string> excluded;  // object ids
};

// Who may do what where: roles and their assignments, for other services. What takes a Tx joins the
// caller's transaction and takes effect when that is durable. Every change is an event of the topic
// "authorization.changed" {kind, scope, id}, published in its transaction. Thread-safe.
class Authorization {
 public:
  virtual ~Authorization() = default;
  // Gives a principal a role on a scope and below. Idempotent. `principal_type` is "User", "Group"
  // or "ServicePrincipal".
  virtual Result<void> assign(db::Tx& tx, const std::string& object_id, const std::string& role_id,
                              const std::string& scope,
                              const std::string& principal_type = "ServicePrincipal") = 0;
  // The same in a transaction of its own, of the type the directory knows.
  virtual Result<void> assign(const std::string& object_id, const std::string& role_id,
                              const std::string& scope) = 0;
  // For a principal that ceases to exist, and for a resource that does.
  virtual Result<void> remove_assignments_of(db::Tx& tx, const std::string& object_id) = 0;
  virtual Result<void> remove_below(db::Tx& tx, const std::string& scope) = 0;

  // The id of the new deny assignment.
  virtual Result<std::string> deny(db::Tx& tx, const SystemDenial& denial) = 0;
  virtual Result<void> lift_denial(db::Tx& tx, const std::string& id) = 0;

  virtual Result<Explanation> explain(const std::string& object_id,
                                      const core::Operation& operation,
                                      const std::string& scope) = 0;
  // Whether somebody, or a group that holds them, has any role on the scope or below it.
  virtual Result<bool> holds_within(const std::string& object_id, const std::string& scope) = 0;
  // Rises with every change of what anybody may do: a cache of decisions that stores it knows when
  // it is old.
  virtual uint64_t generation() const = 0;

  virtual core::Authorizer& authorizer() = 0;
};

}  // namespace lazuli::authorization
