// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "base/result.h"
#include "core/manifest.h"

namespace lazuli::core {

// Refuses a house that is not safe to open: a route without a permission that is not declared
// anonymous, an anonymous one that names a permission or credential beside it, a permission that is
// not of the form "Provider/…/verb", an unknown or cyclic dependency. All faults are in `details`.
Result<void> validate(std::span<const Manifest> manifests);

// The manifests' services, dependencies first. Call after validate().
Result<std::vector<std::string>> start_order(std::span<const Manifest> manifests);

}  // namespace lazuli::core
