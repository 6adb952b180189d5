// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "core/auth.h"
#include "services/identity/roles.h"
#include "services/identity/store.h"

namespace lazuli::identity {

// Role-based access control: any assignment of the principal whose scope covers the resource and
// whose role permits the operation allows it; a principal's grants narrow that further.
// Source: https://learn.microsoft.com/azure/role-based-access-control/overview
class Rbac final : public core::Authorizer {
 public:
  explicit Rbac(Roles roles) : roles_(std::move(roles)) {}

  Result<core::Allowed> authorize(const core::Principal& principal,
                                  const core::Operation& operation,
                                  const std::string& scope) override;
  // Takes effect for the next request.
  void set_assignments(std::vector<RoleAssignment> assignments);

 private:
  std::optional<core::Allowed> allowed_by_roles(const core::Principal& principal,
                                                const core::Operation& operation,
                                                std::string_view scope) const;

  Roles roles_;
  std::atomic<std::shared_ptr<const std::vector<RoleAssignment>>> assignments_;
};

}  // namespace lazuli::identity
