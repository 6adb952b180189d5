// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/dispatch.h"
#include "engines/template/program.h"
#include "services/resources/scope.h"

namespace lazuli::resources {

// What a deployment is asked to do, read and understood.
struct Order {
  Scope scope;
  std::string name;
  std::string location;  // of deployments above resource groups
  Json tags = Json::object();
  std::string mode;  // "Incremental" or "Complete"
  Json source;       // the template
  templates::NameMap<Json> parameters;
  Json public_parameters = Json::object();  // {"name": {"type", "value"}}, no secure values
  std::unique_ptr<templates::Program> program;
  uint16_t port = 443;  // of the request

  std::string id() const;
};

// Reads {"location", "properties": {"mode", "template", "parameters"}} and compiles the template.
// kInvalidArgument "InvalidTemplate"; what needs another server's content is refused by name.
Result<Order> read_order(const Parts& parts, const Context& context, const Json& body);

// The inner deployment that a resource of an order is, as it would be ordered;
// "UnresolvedParameter" where that is not known before the outer one runs.
Result<Order> read_inner_order(const Parts& parts, const core::Principal& caller,
                               const Order& outer, size_t index);

// The same from what a deployment has kept.
struct Kept {
  std::string scope_id, name, mode;
  Json source, parameters;  // bound values by name
  uint16_t port = 443;
};
Result<std::unique_ptr<templates::Program>> compile_again(const Parts& parts,
                                                          const core::Principal& caller,
                                                          const Kept& kept);

// Whether the caller may write each resource of the program: kPermissionDenied
// "AuthorizationFailed" names the first that may not be written.
Result<void> check_permissions(const Parts& parts, const core::Principal& caller,
                               const templates::Program& program);

std::string template_hash(const Json& source);

// "/subscriptions/…/storageAccounts/x?api-version=2023-01-01", encoded.
std::string target_of(std::string_view id, std::string_view api_version);

}  // namespace lazuli::resources
