// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/auth.h"
#include "services/authorization/roles.h"

namespace lazuli::authorization {

// Everything the store holds, as read at one time.
struct PolicyData {
  std::vector<RoleAssignment> assignments;
  std::vector<RoleDefinition> roles;  // custom ones
  std::vector<DenyAssignment> denials;
  std::vector<ManagementGroup> groups;            // without the root
  std::map<std::string, std::string> placements;  // subscription → group, both in lower case
};

// An assignment made ready for decisions.
struct Held {
  RoleAssignment assignment;
  std::optional<Condition> condition;
  bool broken_condition = false;
};

// Whom and what a decision is about.
struct PolicyQuestion {
  std::string_view principal_id;
  const std::vector<std::string>* groups = nullptr;  // of the principal, transitive
  std::string_view operation;                        // in lower case
  bool is_data = false;
  std::string_view scope;
  const std::function<core::Attributes()>* attributes = nullptr;
  bool conditions_later = false;
};

// Why an assignment whose scope covers the question's did or did not grant it.
enum class Finding {
  kGranted,
  kRoleMissing,       // the role definition is gone
  kNoAction,          // no action of the role covers the operation
  kSubtracted,        // notActions take it away
  kConditionFalse,    // the condition is not met
  kConditionUnknown,  // an attribute the condition asks for is missing, or it does not parse
};
std::string_view to_string(Finding finding);

struct Considered {
  const Held* held = nullptr;
  std::shared_ptr<const Role> role;  // null: missing
  Finding finding = Finding::kNoAction;
};

struct Decision {
  bool allowed = false;
  const Held* by = nullptr;                   // what allowed it
  std::shared_ptr<const Role> role;           // of `by`
  const DenyAssignment* denied_by = nullptr;  // what refused it
  bool depends_on_request = false;            // a condition was asked: never to be remembered
};

// All assignments, roles, denials and management groups at one time, indexed for decisions.
// Immutable, thread-safe.
class Policy {
 public:
  Policy(PolicyData data, const BuiltInRoles& built_in, std::string tenant_id);

  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  // A denial wins, else any assignment of the principal or one of its groups that grants it. The
  // pointers live as long as this. `trace`, where given, receives every assignment that was looked
  // at, and then none is left out.
  Decision decide(const PolicyQuestion& question, std::vector<Considered>* trace = nullptr) const;

  // Whether the principal or one of its groups has a role on the scope or on something below it.
  bool holds_within(std::string_view principal_id, const std::vector<std::string>& groups,
                    std::string_view scope) const;

  std::shared_ptr<const Role> role(std::string_view id) const;  // built-in or custom
  const std::vector<std::shared_ptr<const Role>>& custom_roles() const { return custom_list_; }
  const BuiltInRoles& built_in() const { return built_in_; }

  const std::vector<std::shared_ptr<const Held>>& assignments() const { return all_; }
  const Held* assignment(std::string_view name) const;
  const std::vector<DenyAssignment>& denials() const { return denials_; }

  const std::string& root_group() const { return root_.name; }
  const ManagementGroup* group(std::string_view name) const;
  std::vector<const ManagementGroup*> groups() const;                          // the root first
  std::vector<std::string> subscriptions_under(std::string_view group) const;  // placed directly
  std::string group_of_subscription(std::string_view subscription) const;

  // The keys of a scope and of everything above it, management groups and the tenant included.
  std::vector<std::string> chain(std::string_view scope) const;
  bool covers(std::string_view ancestor, std::string_view scope) const;

 private:
  using ByScope = std::unordered_map<std::string, std::vector<const Held*>>;
  void add_ancestors(std::string_view group, std::vector<std::string>& keys) const;
  void add_group_chain(std::string_view group, std::vector<std::string>& keys) const;
  const DenyAssignment* denied(const PolicyQuestion& question,
                               const std::vector<std::string>& keys) const;
  Finding find(const Held& held, const Role& role, const PolicyQuestion& question,
               Decision& decision) const;
  Verdict meets(const std::optional<Condition>& condition, bool broken,
                const PolicyQuestion& question, Decision& decision) const;

  const BuiltInRoles& built_in_;
  ManagementGroup root_;
  std::unordered_map<std::string, std::shared_ptr<const Role>> custom_;
  std::vector<std::shared_ptr<const Role>> custom_list_;
  std::vector<std::shared_ptr<const Held>> all_;
  std::unordered_map<std::string, const Held*> by_name_;
  std::unordered_map<std::string, ByScope> by_principal_;
  std::vector<DenyAssignment> denials_;
  std::unordered_map<std::string, std::vector<std::pair<const DenyAssignment*, Role>>> by_denied_;
  std::map<std::string, ManagementGroup> groups_;  // by key
  std::map<std::string, std::string> placements_;
};

}  // namespace lazuli::authorization
