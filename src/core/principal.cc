// SPDX-License-Identifier: Apache-2.0
#include "core/principal.h"

#include "base/strings.h"

namespace lazuli::core {
namespace {

bool matches(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    if (pattern.front() == '*') {
      pattern.remove_prefix(1);
      if (pattern.empty()) return true;
      for (size_t i = 0; i <= text.size(); ++i)
        if (matches(pattern, text.substr(i))) return true;
      return false;
    }
    // "/*/" also stands for "/": the star may cover no segment at all.
    if (istarts_with(pattern, "/*/") && matches(pattern.substr(2), text)) return true;
    if (text.empty() || !iequals(pattern.substr(0, 1), text.substr(0, 1))) return false;
    pattern.remove_prefix(1);
    text.remove_prefix(1);
  }
  return text.empty();
}

std::string_view without_final_slash(std::string_view scope) {
  while (!scope.empty() && scope.back() == '/') scope.remove_suffix(1);
  return scope;
}

}  // namespace

bool operation_matches(std::string_view pattern, std::string_view operation) {
  return matches(pattern, operation);
}

bool scope_covers(std::string_view ancestor, std::string_view scope) {
  ancestor = without_final_slash(ancestor);
  scope = without_final_slash(scope);
  if (!istarts_with(scope, ancestor)) return false;
  return scope.size() == ancestor.size() || scope[ancestor.size()] == '/';
}

}  // namespace lazuli::core
