// SPDX-License-Identifier: Apache-2.0
#include "core/validate.h"

#include <set>

#include "base/strings.h"

namespace lazuli::core {
namespace {

bool is_operation_name(std::string_view name) {
  std::vector<std::string_view> parts = split(name, '/');
  if (parts.size() < 2) return false;
  for (std::string_view part : parts)
    if (part.empty() || part.find_first_of(" *{}") != std::string_view::npos) return false;
  std::string_view verb = parts.back();
  return verb == "read" || verb == "write" || verb == "delete" || verb == "action";
}

std::string fault_of(const Route& route) {
  if (route.path.empty() || route.path.front() != '/') return "has no path";
  if (route.operation_id.empty()) return "has no operation id";
  if (route.anonymous) return route.operation.empty() ? "" : "is anonymous but names a permission";
  if (route.operation.empty()) return "declares no permission";
  if (!is_operation_name(route.operation.name))
    return "declares '" + route.operation.name + "', which is no operation name";
  if (route.credentials.empty()) return "accepts no credential";
  return "";
}

// Depth-first; false on a cycle.
bool visit(const std::string& name, const std::map<std::string, const Manifest*>& all,
           std::set<std::string>& open, std::vector<std::string>& order) {
  for (const std::string& done : order)
    if (done == name) return true;
  auto found = all.find(name);
  if (found == all.end() || !open.insert(name).second) return false;
  for (const std::string& dependency : found->second->depends_on)
    if (!visit(dependency, all, open, order)) return false;
  open.erase(name);
  order.push_back(name);
  return true;
}

}  // namespace

Result<void> validate(std::span<const Manifest> manifests) {
  Error faults = invalid_argument("the services' declarations are not sound");
  auto complain = [&](std::string message) {
    faults.details.push_back(invalid_argument(std::move(message)));
  };
  for (const Manifest& manifest : manifests) {
    for (const Route& route : manifest.routes) {
      std::string fault = fault_of(route);
      if (!fault.empty())
        complain(cat({manifest.service, ": the route ", http::to_string(route.method), " ",
                      route.path, " ", fault}));
    }
    for (const db::Migration& migration : manifest.migrations)
      if (migration.owner != manifest.service)
        complain(cat({manifest.service, ": a migration belongs to ", migration.owner}));
  }
  if (auto order = start_order(manifests); !order.ok()) complain(order.error().message);
  if (faults.details.empty()) return {};
  for (const Error& detail : faults.details) faults.message += "; " + detail.message;
  return faults;
}

Result<std::vector<std::string>> start_order(std::span<const Manifest> manifests) {
  std::map<std::string, const Manifest*> all;
  for (const Manifest& manifest : manifests) all[manifest.service] = &manifest;
  std::vector<std::string> order;
  for (const Manifest& manifest : manifests) {
    std::set<std::string> open;
    if (!visit(manifest.service, all, open, order))
      return invalid_argument("unknown or cyclic dependencies of " + manifest.service);
  }
  return order;
}

}  // namespace lazuli::core
