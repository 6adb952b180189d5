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
inline constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
inline constexpr std::string_view kBlobDataOwnerRole = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
inline constexpr std::string_view kDataScientistRole = "f6c7c914-8db3-469d-8ca1-694a8f32e121";

// Who may do what where: roles and their assignments, for other services. Thread-safe.
class Authorization {
 public:
  virtual ~Authorization() = default;
  // Gives a principal a role on a scope and below. Idempotent; joins the caller's transaction and
  // takes effect when that is durable.
  virtual Result<void> assign(db::Tx& tx, const std::string& object_id, const std::string& role_id,
                              const std::string& scope) = 0;
  // The same in a transaction of its own.
  virtual Result<void> assign(const std::string& object_id, const std::string& role_id,
                              const std::string& scope) = 0;
  // Rises with every change of what anybody may do: a cache of decisions that stores it knows when
  // it is old.
  virtual uint64_t generation() const = 0;

  virtual core::Authorizer& authorizer() = 0;
};

}  // namespace lazuli::authorization
