// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "base/time.h"
#include "engines/template/expression.h"

namespace lazuli::templates {

struct LessNoCase {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return to_lower(a) < to_lower(b);
  }
};
template <typename T>
using NameMap = std::map<std::string, T, LessNoCase>;  // names compare without case

enum class ScopeKind { kTenant, kManagementGroup, kSubscription, kResourceGroup };

// What the functions about a deployment's surroundings answer, and from which ids are made.
struct Facts {
  ScopeKind scope = ScopeKind::kResourceGroup;
  std::string subscription_id;
  std::string resource_group;
  std::string management_group;
  Json resource_group_json, subscription_json, tenant_json, management_group_json;
  Json deployment_json, environment_json, deployer_json;
  Json providers;  // of providers(): objects with "namespace" and "resourceTypes"
  Json roles;      // of roleDefinitions(): objects with "roleName" and "id"
  Timestamp time{};
};

// What only a running deployment can answer. An implementation may wait for others.
class Runtime {
 public:
  virtual ~Runtime() = default;
  // The "properties" of a resource, or all of it. `name` is an id, or a name or symbol of the
  // template.
  virtual Result<Json> reference(const std::string& name, const std::string& api_version,
                                 bool full) = 0;
  // Of the loop with that symbol, in order.
  virtual Result<Json> references(const std::string& symbol, bool full) = 0;
  // listKeys and its kin: POST {id}/{function}.
  virtual Result<Json> list(const std::string& function, const std::string& id,
                            const std::string& api_version, const Json& body) = 0;
};

struct Loop {
  std::string name;
  int64_t index = 0;
  bool named_only = false;  // copyIndex() without a name passes it by
};

class Variables;

// A function that the template itself declares, "namespace.name".
struct UserFunction {
  std::vector<std::string> parameters;
  Json value;
};

// Where an expression stands. Pointers are the caller's; null means there are none of these.
struct Environment {
  const Facts* facts = nullptr;
  Runtime* runtime = nullptr;
  const NameMap<Json>* parameters = nullptr;
  // Parameters whose values are not to be seen: parameters() of one of them stays an expression.
  const std::set<std::string, LessNoCase>* hidden = nullptr;
  Variables* variables = nullptr;
  const NameMap<UserFunction>* functions = nullptr;
  std::vector<Loop> loops;  // innermost last
  bool in_default = false;  // newGuid and utcNow are allowed
  // parameters() of a default: may evaluate another default first.
  std::function<Result<Json>(std::string_view name)> parameter_of;
  NameMap<Json> lambda;  // variables of enclosing lambda functions
  int depth = 0;
  // How much work and how many values are left, counted down by evaluate() and its kin; null: any
  // amount. A template is a program, and must not hold the server.
  int64_t* budget = nullptr;
};

inline constexpr int64_t kBudget = 1'000'000;

// kInvalidArgument "InvalidTemplate" when the budget is spent.
Result<void> charge(const Environment& environment, size_t amount);

// The wire code of an error that says: this expression needs a running deployment, or a loop that
// is not here. Everything else that fails is final.
inline constexpr std::string_view kDeferred = "Deferred";
bool is_deferred(const Error& error);

Result<Json> evaluate(const Expression& expression, const Environment& environment);
// A string of a template: its value if it is an expression, else what it says.
Result<Json> evaluate_text(std::string_view text, const Environment& environment);
// A whole part of a template: every string, every key, every "copy" of a property.
Result<Json> evaluate_tree(const Json& tree, const Environment& environment);

// Evaluates what can be, and keeps the rest as expressions that need neither parameters nor
// variables of `environment` any more: an inner template as its outer scope sees it.
Result<Json> fold_tree(const Json& tree, const Environment& environment);

// A value as a template writes it, and back: kDeferred where there is an expression in it.
Json to_template(const Json& value);
Result<Json> from_template(const Json& tree);

// The variables of a template, each evaluated when it is first asked for. Not thread-safe.
class Variables {
 public:
  // `source` and `environment` must outlive it.
  Variables(const Json& source, const Environment& environment);
  Result<Json> get(std::string_view name);
  // As it stands in the template; null when there is none.
  const Json* source(std::string_view name) const;

 private:
  const Environment& environment_;
  const Json& source_;
  NameMap<Json> known_;
  std::set<std::string, LessNoCase> open_;
};

// The items of {"name", "count", "input"}: a loop of properties, variables or outputs.
Result<Json> evaluate_copy(const Json& copy, const std::string& loop_name,
                           const Environment& environment);

}  // namespace lazuli::templates
