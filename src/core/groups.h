// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "db/db.h"

namespace lazuli::core {

// Which resource groups there are, for services that make resources in them. Thread-safe.
class ResourceGroups {
 public:
  virtual ~ResourceGroups() = default;
  // Whether something may be made in the group at this moment, within the transaction that makes
  // it: kNotFound "SubscriptionNotFound" or "ResourceGroupNotFound", kConflict
  // "ResourceGroupBeingDeleted".
  virtual Result<void> check(db::Tx& tx, const std::string& subscription,
                             const std::string& group) = 0;
};

// A resource that a request makes or changes.
struct Placement {
  std::string_view id;                                   // its ARM id
  std::optional<std::string_view> location = {};         // as asked; types without one leave it out
  std::optional<std::string_view> location_before = {};  // of the resource that is there already
};

// What Azure Resource Manager asks of every resource before its provider sees it: its group exists
// and is not being deleted, its location is a region's name, and stays what it was
// ("LocationRequired", "LocationNotAvailableForResourceType", kConflict "InvalidResourceLocation").
Result<void> check_group(ResourceGroups& groups, db::Tx& tx, const Placement& placement);

// "East US" and "eastus" are one region: the latter; empty where it is no region's name.
std::string region_of(std::string_view location);

}  // namespace lazuli::core
