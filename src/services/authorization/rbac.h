// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/auth.h"
#include "services/authorization/policy.h"
#include "services/authorization/store.h"
#include "services/directory/api.h"

namespace lazuli::authorization {

// Role-based access control: a denial refuses; else any assignment of the principal or one of its
// groups whose scope covers the resource and whose role permits the operation allows it; a
// principal's grants narrow that further. Decisions that depend on nothing but the policy are
// remembered until it or the directory changes. Thread-safe.
// Source: https://learn.microsoft.com/azure/role-based-access-control/overview
class Rbac final : public core::Authorizer {
 public:
  // `directory` null: there are no groups.
  Rbac(const BuiltInRoles& built_in, std::string tenant_id, Store& store,
       directory::Directory* directory);

  using core::Authorizer::authorize;
  Result<core::Allowed> authorize(const core::Access& access) override;

  // What holds now.
  Result<std::shared_ptr<const Policy>> policy();
  // Groups that hold a principal, directly or through others.
  Result<std::shared_ptr<const std::vector<std::string>>> groups_of(const std::string& object_id);

  // Something has changed: the next request reads it anew. Never blocks.
  void invalidate() { ++generation_; }
  uint64_t generation() const { return generation_; }

 private:
  struct Snapshot {
    uint64_t generation = 0;
    std::shared_ptr<const Policy> policy;
  };
  struct Remembered {
    uint64_t generation = 0, directory_generation = 0;
    bool allowed = false;
    core::Allowed by;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Remembered> decisions;
  };
  Result<Remembered> by_roles(const core::Access& access);
  Result<Decision> decide(const core::Access& access, const Policy& policy);

  const BuiltInRoles& built_in_;
  const std::string tenant_id_;
  Store& store_;
  directory::Directory* directory_;
  std::atomic<uint64_t> generation_ = 1;
  std::mutex loading_;
  std::atomic<std::shared_ptr<const Snapshot>> snapshot_;
  std::array<Shard, 32> shards_;
};

}  // namespace lazuli::authorization
