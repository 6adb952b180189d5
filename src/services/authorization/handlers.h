// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/context.h"
#include "core/events.h"
#include "core/service.h"
#include "services/authorization/rbac.h"
#include "services/authorization/store.h"
#include "services/directory/api.h"

namespace lazuli::authorization {

// What the handlers work with.
struct Parts {
  const core::Installation& installation;
  directory::Directory* directory;  // null: principals are taken as they come
  std::unique_ptr<BuiltInRoles> built_in;
  std::unique_ptr<Store> store;
  std::unique_ptr<Rbac> rbac;
  core::Events* events = nullptr;  // from start() on

  // Within the transaction of a change: what holds is read anew once it is durable, and others hear
  // of it (topic "authorization.changed").
  Result<void> changed(db::Tx& tx, std::string_view kind, std::string_view scope,
                       std::string_view id);
};

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// The scope an extension's path names, "/" for the tenant.
Result<std::string> scope_of(const Context& context);
Stamp stamp_for(const Context& context, const std::optional<Stamp>& before);
// kPermissionDenied unless the caller may do the operation on the scope.
Result<void> require(Parts& parts, const Context& context, const char* operation,
                     const std::string& scope);

// A list's $filter: terms joined by "and". kInvalidArgument for what is not known.
struct Filter {
  bool at_scope = false;
  std::string principal_id, assigned_to, role_name, role_type, deny_name;
};
Result<Filter> parse_filter(std::string_view text);
Result<Filter> filter_of(const Context& context);

// assignment_handlers.cc
Answer list_assignments(Parts& parts, Context& context);
Answer get_assignment(Parts& parts, Context& context);
Answer put_assignment(Parts& parts, Context& context);
Answer delete_assignment(Parts& parts, Context& context);

// role_handlers.cc
Answer list_roles(Parts& parts, Context& context);
Answer get_role(Parts& parts, Context& context);
Answer put_role(Parts& parts, Context& context);
Answer delete_role(Parts& parts, Context& context);

// denial_handlers.cc
Answer list_denials(Parts& parts, Context& context);
Answer get_denial(Parts& parts, Context& context);
Answer put_denial(Parts& parts, Context& context);
Answer delete_denial(Parts& parts, Context& context);

// access_handlers.cc
Answer list_permissions(Parts& parts, Context& context);
Answer check_access(Parts& parts, Context& context);

// group_handlers.cc
Answer list_groups(Parts& parts, Context& context);
Answer get_group(Parts& parts, Context& context);
Answer put_group(Parts& parts, Context& context);
Answer patch_group(Parts& parts, Context& context);
Answer delete_group(Parts& parts, Context& context);
Answer list_group_subscriptions(Parts& parts, Context& context);
Answer get_group_subscription(Parts& parts, Context& context);
Answer put_group_subscription(Parts& parts, Context& context);
Answer delete_group_subscription(Parts& parts, Context& context);

}  // namespace lazuli::authorization
