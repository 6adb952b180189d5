// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engines/template/evaluate.h"
#include "services/resources/handlers.h"

namespace lazuli::resources {

// Where a deployment, a lock or tags belong to.
struct Scope {
  templates::ScopeKind kind = templates::ScopeKind::kResourceGroup;
  std::string subscription, group, management_group;
  Json group_json;  // of a resource group

  std::string id() const;  // "/subscriptions/…"; empty for the tenant
};

// The scope in a request's path ("sub", "rg", "mg"); kNotFound when there is no such subscription
// or group.
Result<Scope> find_scope(const Parts& parts, const Context& context);
Result<Scope> find_scope(const Parts& parts, std::string_view id);

}  // namespace lazuli::resources
