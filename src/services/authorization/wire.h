// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "codec/json.h"
#include "services/authorization/policy.h"

namespace lazuli::authorization {

// Resources as azure-rest-api-specs describes them (authorization 2022-04-01, 2024-07-01-preview;
// management groups 2020-05-01).
Json assignment_json(const RoleAssignment& assignment);
// Ids are those that `scope` sees.
Json role_json(const RoleDefinition& role, std::string_view scope);
Json denial_json(const DenyAssignment& denial);
Json group_json(const ManagementGroup& group, const ManagementGroup* parent,
                std::string_view tenant_id);
std::string group_id(std::string_view name);

// What the store keeps of a role and of a denial.
Json role_body(const RoleDefinition& role);
Json denial_body(const DenyAssignment& denial);
DenyAssignment denial_from_json(const Json& json);

}  // namespace lazuli::authorization
