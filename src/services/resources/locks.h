// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/guard.h"
#include "services/resources/lock_store.h"

namespace lazuli::resources {

// What locks forbid, for every route of the control plane. A lock holds for its scope and
// everything below, the strictest wins: CanNotDelete forbids deleting, also of what holds a locked
// resource; ReadOnly forbids writing and every POST as well. Locks themselves may always be changed
// by who has the right to. Thread-safe; a change is in force for the next request.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
class Locks final : public core::Guard {
 public:
  // Reads what is stored.
  Result<void> load(LockStore& store);

  Result<void> check(const core::RequestContext& context, const std::string& scope) override;
  // The rule itself. `operation` is the permission's name ("…/write").
  Result<void> check(std::string_view operation, const std::string& scope) const;

  // What was below a resource that is gone; its rows are gone already.
  void forget_below(const std::string& scope);
  std::vector<Lock> all() const;

 private:
  std::mutex loading_;
  std::atomic<std::shared_ptr<const std::vector<Lock>>> locks_;
};

}  // namespace lazuli::resources
