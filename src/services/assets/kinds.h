// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/assets/api.h"

namespace lazuli::assets {

// What differs between the kinds of assets, as data.
struct KindInfo {
  Kind kind;
  std::string_view collection;  // the path segment: "models"
  std::string_view singular;    // for messages: "model"
  // Properties that a version may never change.
  std::vector<std::string_view> frozen;
  // One of these must be there.
  std::vector<std::string_view> required;
  // The property that points at stored files, or empty.
  std::string_view uri;
};

std::span<const KindInfo> all_kinds();
const KindInfo& info(Kind kind);

// Checks and completes what a client sends for a version: required properties, defaults that
// readers rely on ("flavors", "tags"), the component spec's own name and version.
Result<Json> complete_properties(const KindInfo& kind, const std::string& name,
                                 const std::string& version, Json properties);

// Whether two versions' frozen properties agree; the error names the first that differs.
Result<void> check_unchanged(const KindInfo& kind, const std::string& name,
                             const std::string& version, const Json& stored, const Json& wanted);

// 1-255 characters of letters, digits, '-', '_' and '.', beginning with one of the first two.
Result<void> check_asset_name(std::string_view what, std::string_view name);

}  // namespace lazuli::assets
