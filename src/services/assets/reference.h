// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "services/assets/kinds.h"

namespace lazuli::assets {

// A reference to an asset, taken apart.
struct Reference {
  std::string registry;  // set for azureml://registries/{registry}/…
  std::string name;
  std::string version;  // empty with `label`
  std::string label;    // "latest"
};

// Full ARM ids, "azureml:" before an id or "name:version" or "name@label", and
// "azureml://registries/{r}/{collection}/{n}/versions|labels/{v}".
Result<Reference> parse_reference(const KindInfo& kind, std::string_view text);

}  // namespace lazuli::assets
