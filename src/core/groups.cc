// SPDX-License-Identifier: Apache-2.0
#include "core/groups.h"

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::core {
namespace {

constexpr size_t kRegionMax = 64;

Result<void> check_location(const ArmId& id, const Placement& placement) {
  if (!placement.location) return {};
  const std::string_view asked = *placement.location;
  if (asked.empty())
    return invalid_argument("The location property is required for this definition.",
                            "LocationRequired");
  const std::string region = region_of(asked);
  if (region.empty())
    return invalid_argument(cat({"The provided location '", asked.substr(0, 100),
                                 "' is not available for resource type '", id.type(), "'."}),
                            "LocationNotAvailableForResourceType");
  if (!placement.location_before || region == region_of(*placement.location_before)) return {};
  return conflict(
      cat({"The resource '", id.segments.empty() ? "" : id.segments.back().second,
           "' already exists in location '", *placement.location_before, "' in resource group '",
           id.resource_group, "'. A resource with the same name cannot be created in location '",
           asked, "'. Please select a new resource name."}),
      "InvalidResourceLocation");
}

}  // namespace

Result<void> check_group(ResourceGroups& groups, db::Tx& tx, const Placement& placement) {
  const ArmId id = TRY(ArmId::parse(placement.id));
  TRY(groups.check(tx, id.subscription, id.resource_group));
  return check_location(id, placement);
}

std::string region_of(std::string_view location) {
  const std::string region = to_lower(replace_all(location, " ", ""));
  const bool valid =
      region.size() <= kRegionMax &&
      region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == region.npos;
  return valid ? region : std::string();
}

}  // namespace lazuli::core
