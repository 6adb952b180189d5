// SPDX-License-Identifier: Apache-2.0
#include "services/resources/resource_list.h"

#include "base/strings.h"
#include "core/auth.h"
#include "core/dispatch.h"
#include "services/resources/deployment_input.h"
#include "services/resources/deployment_runtime.h"
#include "services/resources/providers.h"

namespace lazuli::resources {
namespace {

constexpr const char* kAnyVersion = "2024-03-01";
constexpr int kPagesMax = 1000;

Result<void> collect(const Parts& parts, const core::Principal& caller, std::string target,
                     Json::Array& all) {
  for (int page = 0; page < kPagesMax && !target.empty(); ++page) {
    http::Response answer = parts.dispatcher->send(caller, {.target = target});
    if (answer.status == 403 || answer.status == 404 || answer.status == 501) return {};
    if (answer.status >= 300) return error_of(answer);
    const Json listed = TRY(json_of(answer));
    for (const Json& each : listed["value"].items()) all.push_back(each);
    const std::string_view next = listed["nextLink"].str();
    const size_t path = next.empty() ? next.npos : next.find('/', next.find("://") + 3);
    target = path == next.npos ? std::string() : std::string(next.substr(path));
  }
  return {};
}

core::InnerRequest deletion_of(const std::string& id, uint16_t port = 443) {
  return {.method = http::Method::kDelete, .target = target_of(id, kAnyVersion), .port = port};
}

}  // namespace

Result<Json::Array> list_resources(const Parts& parts, const core::Principal& caller,
                                   const std::string& scope) {
  std::vector<std::string> groups = {scope};
  if (scope.find("/resourceGroups/") == scope.npos) {
    groups.clear();
    for (const ResourceGroup& group : TRY(parts.store->list(parts.installation.subscription_id)))
      groups.push_back(cat({scope, "/resourceGroups/", group.name}));
  }
  Json::Array all;
  const std::vector<std::string> types = listable_types(parts.dispatcher->manifests());
  for (const std::string& group : groups)
    for (const std::string& type : types)
      TRY(collect(parts, caller, target_of(cat({group, "/providers/", type}), kAnyVersion), all));
  return all;
}

Result<void> check_deletable(const Parts& parts, const core::Principal& caller,
                             const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    auto allowed = parts.dispatcher->preflight(caller, deletion_of(id));
    if (!allowed.ok()) return with_context(id, allowed.error());
  }
  return {};
}

Result<void> delete_resources(const Parts& parts, const core::Principal& caller,
                              std::vector<std::string> ids, uint16_t port) {
  TRY(check_deletable(parts, caller, ids));
  std::optional<Error> failed;
  for (bool progress = true; progress && !ids.empty();) {
    progress = false;
    std::vector<std::string> left;
    for (const std::string& id : ids) {
      http::Response answer = parts.dispatcher->send(caller, deletion_of(id, port));
      if (answer.status < 300 || answer.status == 404) {
        progress = true;
        continue;
      }
      failed = with_context(id, error_of(answer));
      left.push_back(id);
    }
    ids = std::move(left);
  }
  if (ids.empty()) return {};
  return *failed;
}

}  // namespace lazuli::resources
