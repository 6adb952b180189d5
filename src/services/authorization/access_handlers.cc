// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/authorization/permissions; checkAccess: 2018-09-01-preview,
// as the portal asks.
#include "base/strings.h"
#include "core/arm.h"
#include "services/authorization/explain.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

constexpr size_t kActionsMax = 500;
constexpr const char* kReadAssignments = "Microsoft.Authorization/roleAssignments/read";

Json reason_json(const Explanation::Reason& reason) {
  return Json::object({{"roleAssignmentId", reason.assignment_id},
                       {"scope", reason.scope},
                       {"principalId", reason.principal_id},
                       {"roleDefinitionId", reason.role_id},
                       {"roleName", reason.role_name},
                       {"condition", reason.condition},
                       {"finding", reason.finding}});
}

Json decision_json(const core::Operation& operation, const Explanation& why, const Policy& policy) {
  Json json = Json::object({{"actionId", operation.name},
                            {"isDataAction", operation.is_data_action},
                            {"accessDecision", why.allowed ? "Allowed" : "NotAllowed"},
                            {"timeToLiveInMs", 0}});
  if (const Held* held = policy.assignment(why.assignment_id); held != nullptr)
    json.set("roleAssignment", assignment_json(held->assignment));
  for (const DenyAssignment& each : policy.denials())
    if (each.id == why.denial_id) {
      json.set("accessDecision", "Denied");
      json.set("denyAssignment", denial_json(each));
    }
  Json considered = Json::array();
  for (const Explanation::Reason& each : why.considered) considered.push_back(reason_json(each));
  json.set("considered", std::move(considered));
  if (!why.refused_by.empty()) json.set("refusedBy", why.refused_by);
  return json;
}

// What a principal must be to be let in at all.
Result<std::string> refused_whatever(Parts& parts, const std::string& object_id) {
  if (parts.directory == nullptr) return std::string();
  const directory::Standing standing = TRY(parts.directory->standing(object_id));
  if (!standing.exists) return std::string("principalMissing");
  return std::string(standing.enabled ? "" : "principalDisabled");
}

// About itself a caller learns what the credential it came with may do, not what another of its
// credentials might.
void limit(const core::Principal& caller, const core::Operation& operation,
           const std::string& scope, Explanation& why) {
  if (!caller.grants() || core::grants_cover(caller, operation, scope)) return;
  why.allowed = false;
  why.assignment_id.clear();
  if (why.refused_by.empty()) why.refused_by = "credentialLimited";
}

}  // namespace

Result<Explanation> explain(Parts& parts, const std::string& object_id,
                            const core::Operation& operation, const std::string& scope) {
  auto policy = TRY(parts.rbac->policy());
  auto groups = TRY(parts.rbac->groups_of(object_id));
  const std::string name = to_lower(operation.name);
  PolicyQuestion question{object_id, groups.get(), name, operation.is_data_action, scope};
  std::vector<Considered> trace;
  Decision decision = policy->decide(question, &trace);
  Explanation why;
  why.refused_by = TRY(refused_whatever(parts, object_id));
  why.allowed = decision.allowed && why.refused_by.empty();
  if (decision.denied_by != nullptr) {
    why.denial_id = decision.denied_by->id;
    why.denial_name = decision.denied_by->name;
  } else if (why.allowed && decision.by != nullptr) {
    why.assignment_id = decision.by->assignment.name;
  }
  for (const Considered& each : trace) {
    const RoleAssignment& assignment = each.held->assignment;
    why.considered.push_back({assignment.name, assignment.scope, assignment.principal_id,
                              assignment.role_id, each.role ? each.role->definition.name : "",
                              assignment.condition, std::string(to_string(each.finding))});
  }
  return why;
}

// What the caller may do on the scope: the permissions of each of its roles there, unmerged, since
// notActions subtract within one role only.
Answer list_permissions(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  auto policy = TRY(parts.rbac->policy());
  const std::string& caller = context.principal().object_id();
  auto groups = TRY(parts.rbac->groups_of(caller));
  std::vector<Considered> trace;
  policy->decide({caller, groups.get(), {}, false, scope}, &trace);
  Json::Array permissions;
  for (const Considered& each : trace) {
    if (!each.role || each.held->broken_condition) continue;
    for (const Permission& permission : each.role->definition.permissions)
      permissions.push_back(permission_json(permission));
  }
  return core::json_response(core::arm_list(std::move(permissions)));
}

// Who asks about others must be allowed to read the assignments; about itself anybody may ask.
Answer check_access(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  const Json body = TRY(context.json());
  const Json& subject = body["subject"].is_null() ? body["Subject"] : body["subject"];
  const Json& attributes =
      subject["attributes"].is_null() ? subject["Attributes"] : subject["attributes"];
  std::string object_id = attributes["objectId"].text() + attributes["ObjectId"].text();
  if (object_id.empty()) object_id = context.principal().object_id();
  const bool itself = iequals(object_id, context.principal().object_id());
  if (!itself) TRY(require(parts, context, kReadAssignments, scope));
  const Json& actions = body["actions"].is_null() ? body["Actions"] : body["actions"];
  if (actions.empty() || actions.size() > kActionsMax)
    return invalid_argument("The request names 1 to 500 actions.", "InvalidActions");
  auto policy = TRY(parts.rbac->policy());
  Json decisions = Json::array();
  for (const Json& each : actions.items()) {
    core::Operation operation{each["id"].text() + each["Id"].text(),
                              each["isDataAction"].boolean() || each["IsDataAction"].boolean()};
    Explanation why = TRY(explain(parts, to_lower(object_id), operation, scope));
    if (itself) limit(context.principal(), operation, scope, why);
    decisions.push_back(decision_json(operation, why, *policy));
  }
  return core::json_response(decisions);
}

}  // namespace lazuli::authorization
