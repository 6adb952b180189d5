// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/scope.h"

#include "base/strings.h"

namespace lazuli::authorization {
namespace {

constexpr size_t kBytesMax = 2048;
constexpr std::string_view kSubscriptions = "/subscriptions/";

std::string_view first_segment(std::string_view text) { return text.substr(0, text.find('/')); }

}  // namespace

std::string scope_key(std::string_view scope) {
  while (!scope.empty() && scope.back() == '/') scope.remove_suffix(1);
  return to_lower(scope);
}

Result<std::string> checked_scope(std::string_view scope) {
  while (scope.size() > 1 && scope.back() == '/') scope.remove_suffix(1);
  Error bad = invalid_argument(cat({"The scope '", scope.substr(0, 200), "' is not valid."}),
                               "InvalidScope");
  if (scope.empty() || scope == "/") return std::string("/");
  if (scope.front() != '/' || scope.size() > kBytesMax || !is_utf8(scope)) return bad;
  for (std::string_view segment : split(scope.substr(1), '/')) {
    if (segment.empty() || segment == "." || segment == "..") return bad;
    for (char c : segment)
      if (static_cast<unsigned char>(c) < 0x20 || std::string_view("?#\\*").find(c) != segment.npos)
        return bad;
  }
  return std::string(scope);
}

bool key_covers(std::string_view ancestor, std::string_view key) {
  return key.starts_with(ancestor) &&
         (key.size() == ancestor.size() || key[ancestor.size()] == '/');
}

std::string_view subscription_of(std::string_view scope) {
  if (!istarts_with(scope, kSubscriptions)) return {};
  return first_segment(scope.substr(kSubscriptions.size()));
}

std::string_view group_of(std::string_view key) {
  if (!istarts_with(key, kGroupPrefix)) return {};
  return first_segment(key.substr(kGroupPrefix.size()));
}

std::string id_seen_from(std::string_view scope, std::string_view kind, std::string_view id) {
  std::string_view subscription = subscription_of(scope);
  std::string below = cat({"/providers/Microsoft.Authorization/", kind, "/", id});
  return subscription.empty() ? below : cat({kSubscriptions, subscription, below});
}

}  // namespace lazuli::authorization
