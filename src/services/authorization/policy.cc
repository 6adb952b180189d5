// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/policy.h"

#include "base/strings.h"
#include "services/authorization/scope.h"

namespace lazuli::authorization {
namespace {

constexpr int kGroupDepthMax = 16;

std::shared_ptr<const Held> make_held(RoleAssignment assignment) {
  auto held = std::make_shared<Held>();
  if (!assignment.condition.empty()) {
    Result<Condition> parsed = Condition::parse(assignment.condition);
    held->broken_condition = !parsed.ok();
    if (parsed.ok()) held->condition = std::move(*parsed);
  }
  held->assignment = std::move(assignment);
  return held;
}

bool concerns(const std::vector<DeniedPrincipal>& principals, const PolicyQuestion& question) {
  for (const DeniedPrincipal& each : principals) {
    if (each.id == kEveryone || iequals(each.id, question.principal_id)) return true;
    if (question.groups == nullptr) continue;
    for (const std::string& group : *question.groups)
      if (iequals(each.id, group)) return true;
  }
  return false;
}

bool role_matches(const Role& role, const PolicyQuestion& question) {
  for (const CompiledPermission& each : role.permissions)
    if (each.match(question.operation, question.is_data) == CompiledPermission::Match::kGranted)
      return true;
  return false;
}

}  // namespace

std::string_view to_string(Finding finding) {
  switch (finding) {
    case Finding::kGranted:
      return "granted";
    case Finding::kRoleMissing:
      return "roleMissing";
    case Finding::kNoAction:
      return "noAction";
    case Finding::kSubtracted:
      return "subtractedByNotActions";
    case Finding::kConditionFalse:
      return "conditionFalse";
    case Finding::kConditionUnknown:
      return "conditionUnknown";
  }
  return "";
}

Policy::Policy(PolicyData data, const BuiltInRoles& built_in, std::string tenant_id)
    : built_in_(built_in),
      denials_(std::move(data.denials)),
      placements_(std::move(data.placements)) {
  root_.name = std::move(tenant_id);
  root_.display_name = "Tenant Root Group";
  for (RoleDefinition& each : data.roles) {
    auto role = std::make_shared<const Role>(std::move(each));
    custom_[role->definition.id] = role;
    custom_list_.push_back(std::move(role));
  }
  for (RoleAssignment& each : data.assignments) {
    const auto& held = all_.emplace_back(make_held(std::move(each)));
    by_name_[held->assignment.name] = held.get();
    by_principal_[to_lower(held->assignment.principal_id)][scope_key(held->assignment.scope)]
        .push_back(held.get());
  }
  for (const DenyAssignment& each : denials_) {
    RoleDefinition denied;
    denied.permissions = each.permissions;
    by_denied_[scope_key(each.scope)].emplace_back(&each, Role(std::move(denied)));
  }
  for (ManagementGroup& each : data.groups) {
    std::string key = to_lower(each.name);
    groups_.emplace(std::move(key), std::move(each));
  }
}

Decision Policy::decide(const PolicyQuestion& question, std::vector<Considered>* trace) const {
  const std::vector<std::string> keys = chain(question.scope);
  Decision decision;
  decision.denied_by = denied(question, keys);
  if (decision.denied_by != nullptr && trace == nullptr) return decision;
  auto look = [&](std::string_view principal) {
    auto held = by_principal_.find(to_lower(principal));
    if (held == by_principal_.end()) return;
    for (const std::string& key : keys) {
      auto there = held->second.find(key);
      if (there == held->second.end()) continue;
      for (const Held* each : there->second) {
        std::shared_ptr<const Role> its = role(each->assignment.role_id);
        Finding finding = its ? find(*each, *its, question, decision) : Finding::kRoleMissing;
        if (trace != nullptr) trace->push_back({each, its, finding});
        if (finding != Finding::kGranted || decision.allowed) continue;
        decision.allowed = true;
        decision.by = each;
        decision.role = std::move(its);
        if (trace == nullptr) return;
      }
    }
  };
  look(question.principal_id);
  if (question.groups != nullptr)
    for (const std::string& group : *question.groups)
      if (!decision.allowed || trace != nullptr) look(group);
  if (decision.denied_by != nullptr) decision.allowed = false;
  return decision;
}

bool Policy::holds_within(std::string_view principal_id, const std::vector<std::string>& groups,
                          std::string_view scope) const {
  const std::string key = scope_key(scope);
  auto holds = [&](std::string_view principal) {
    const auto held = by_principal_.find(to_lower(principal));
    return held != by_principal_.end() && std::ranges::any_of(held->second, [&](const auto& there) {
             return key_covers(key, there.first);
           });
  };
  return holds(principal_id) || std::ranges::any_of(groups, holds);
}

const DenyAssignment* Policy::denied(const PolicyQuestion& question,
                                     const std::vector<std::string>& keys) const {
  if (by_denied_.empty()) return nullptr;
  const std::string own = scope_key(question.scope);
  for (const std::string& key : keys) {
    auto there = by_denied_.find(key);
    if (there == by_denied_.end()) continue;
    for (const auto& [denial, permissions] : there->second) {
      if (denial->not_below && key != own) continue;
      if (!concerns(denial->principals, question) || concerns(denial->excluded, question)) continue;
      if (role_matches(permissions, question)) return denial;
    }
  }
  return nullptr;
}

// The best that any permission of the role gives.
Finding Policy::find(const Held& held, const Role& role, const PolicyQuestion& question,
                     Decision& decision) const {
  Finding best = Finding::kNoAction;
  for (const CompiledPermission& each : role.permissions) {
    auto match = each.match(question.operation, question.is_data);
    if (match == CompiledPermission::Match::kSubtracted && best == Finding::kNoAction)
      best = Finding::kSubtracted;
    if (match != CompiledPermission::Match::kGranted) continue;
    Verdict met = meets(each.condition, each.broken_condition, question, decision);
    if (met == Verdict::kTrue)
      met = meets(held.condition, held.broken_condition, question, decision);
    if (met == Verdict::kTrue) return Finding::kGranted;
    best = met == Verdict::kFalse ? Finding::kConditionFalse : Finding::kConditionUnknown;
  }
  return best;
}

Verdict Policy::meets(const std::optional<Condition>& condition, bool broken,
                      const PolicyQuestion& question, Decision& decision) const {
  if (broken) return Verdict::kUnknown;
  if (!condition) return Verdict::kTrue;
  decision.depends_on_request = true;
  if (question.conditions_later) return Verdict::kTrue;
  const bool asked = question.attributes != nullptr && *question.attributes;
  const core::Attributes attributes = asked ? (*question.attributes)() : core::Attributes();
  return condition->evaluate({question.operation, attributes});
}

std::shared_ptr<const Role> Policy::role(std::string_view id) const {
  if (auto found = custom_.find(std::string(id)); found != custom_.end()) return found->second;
  return built_in_.find(id);
}

const Held* Policy::assignment(std::string_view name) const {
  auto found = by_name_.find(to_lower(name));
  return found == by_name_.end() ? nullptr : found->second;
}

const ManagementGroup* Policy::group(std::string_view name) const {
  if (iequals(name, root_.name)) return &root_;
  auto found = groups_.find(to_lower(name));
  return found == groups_.end() ? nullptr : &found->second;
}

std::vector<const ManagementGroup*> Policy::groups() const {
  std::vector<const ManagementGroup*> all{&root_};
  for (const auto& [key, group] : groups_) all.push_back(&group);
  return all;
}

std::vector<std::string> Policy::subscriptions_under(std::string_view group) const {
  std::vector<std::string> under;
  for (const auto& [subscription, place] : placements_)
    if (iequals(place, group)) under.push_back(subscription);
  return under;
}

std::string Policy::group_of_subscription(std::string_view subscription) const {
  auto place = placements_.find(to_lower(subscription));
  return place == placements_.end() ? root_.name : place->second;
}

// Without the group itself, whose key is one of its own id's.
void Policy::add_ancestors(std::string_view group, std::vector<std::string>& keys) const {
  const size_t own = keys.size();
  add_group_chain(group, keys);
  keys.erase(keys.begin() + static_cast<long>(own));
}

void Policy::add_group_chain(std::string_view group, std::vector<std::string>& keys) const {
  std::string name(group);
  for (int depth = 0; depth < kGroupDepthMax; ++depth) {
    keys.push_back(cat({kGroupPrefix, to_lower(name)}));
    if (iequals(name, root_.name)) return;
    auto found = groups_.find(to_lower(name));
    name =
        found == groups_.end() || found->second.parent.empty() ? root_.name : found->second.parent;
  }
}

std::vector<std::string> Policy::chain(std::string_view scope) const {
  const std::string key = scope_key(scope);
  std::vector<std::string> keys;
  for (size_t end = key.size(); end != 0 && end != std::string::npos; end = key.rfind('/', end - 1))
    keys.push_back(key.substr(0, end));
  if (std::string_view subscription = subscription_of(key); !subscription.empty())
    add_group_chain(group_of_subscription(subscription), keys);
  else if (std::string_view group = group_of(key); !group.empty())
    add_ancestors(group, keys);
  keys.emplace_back();
  return keys;
}

bool Policy::covers(std::string_view ancestor, std::string_view scope) const {
  const std::string key = scope_key(ancestor);
  for (const std::string& each : chain(scope))
    if (each == key) return true;
  return false;
}

}  // namespace lazuli::authorization
