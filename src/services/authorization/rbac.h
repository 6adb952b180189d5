// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "core/auth.h"
#include "services/authorization/roles.h"
#include "services/authorization/store.h"

namespace lazuli::authorization {

// Role-based access control: any assignment of the principal whose scope covers the resource and
// whose role permits the operation allows it; a principal's grants narrow that further.
// Source: https://learn.microsoft.com/azure/role-based-access-control/overview
class Rbac final : public core::Authorizer {
 public:
  Rbac(Roles roles, Store& store) : roles_(std::move(roles)), store_(store) {}

  Result<void> authorize(const core::Principal& principal, const core::Operation& operation,
                         const std::string& scope) override;
  // The assignments have changed: the next request reads them anew. Never blocks.
  void invalidate() { ++generation_; }
  uint64_t generation() const { return generation_; }

 private:
  struct Known {
    uint64_t generation = 0;
    std::vector<RoleAssignment> assignments;
  };
  Result<std::shared_ptr<const Known>> known();
  Result<bool> allowed_by_roles(const core::Principal& principal, const core::Operation& operation,
                                std::string_view scope);

  const Roles roles_;
  Store& store_;
  std::atomic<uint64_t> generation_ = 1;
  std::mutex loading_;
  std::atomic<std::shared_ptr<const Known>> known_;
};

}  // namespace lazuli::authorization
