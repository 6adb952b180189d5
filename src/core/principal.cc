// SPDX-License-Identifier: Apache-2.0
#include "core/principal.h"

#include "base/strings.h"
#include "core/pattern.h"

namespace lazuli::core {
namespace {

std::string_view without_final_slash(std::string_view scope) {
  while (!scope.empty() && scope.back() == '/') scope.remove_suffix(1);
  return scope;
}

}  // namespace

bool operation_matches(std::string_view pattern, std::string_view operation) {
  if (pattern.find('*') == std::string_view::npos) return iequals(pattern, operation);
  return OperationPattern(pattern).matches(to_lower(operation));
}

bool scope_covers(std::string_view ancestor, std::string_view scope) {
  ancestor = without_final_slash(ancestor);
  scope = without_final_slash(scope);
  if (!istarts_with(scope, ancestor)) return false;
  return scope.size() == ancestor.size() || scope[ancestor.size()] == '/';
}

}  // namespace lazuli::core
