// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/auth.h"
#include "db/db.h"

namespace lazuli::authorization {

// Built-in roles that the server itself hands out; their ids are the same in every Azure cloud.
inline constexpr std::string_view kOwnerRole = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
inline constexpr std::string_view kBlobDataOwnerRole = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";

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
  // Whether somebody, or a group that holds them, has any role on the scope or below it.
  virtual Result<bool> holds_within(const std::string& object_id, const std::string& scope) = 0;

  virtual core::Authorizer& authorizer() = 0;
};

}  // namespace lazuli::authorization
