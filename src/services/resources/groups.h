// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "core/groups.h"
#include "core/service.h"
#include "services/resources/store.h"

namespace lazuli::resources {

// Resource groups for the services that make resources in them. Thread-safe.
class Groups final : public core::ResourceGroups {
 public:
  explicit Groups(const core::Installation& installation) : installation_(installation) {}
  void open(Store& store) { store_ = &store; }

  Result<void> check(db::Tx& tx, const std::string& subscription,
                     const std::string& group) override;

 private:
  const core::Installation& installation_;
  std::atomic<Store*> store_ = nullptr;
};

}  // namespace lazuli::resources
