// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/graph/api/resources/approleassignment
#include <algorithm>

#include "base/ids.h"
#include "base/strings.h"
#include "services/directory/app_role_store.h"
#include "services/directory/app_roles.h"
#include "services/directory/graph.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr std::string_view kAssignments = "appRoleAssignments";

std::string_view type_of(const Object& principal) {
  return principal.kind == kUser ? "User" : principal.kind == kGroup ? "Group" : "ServicePrincipal";
}

Result<Json> assignment_json(db::Executor& db, const AppRoleAssignment& assignment) {
  auto principal = TRY(Store::find(db, assignment.principal_id));
  auto resource = TRY(Store::find(db, assignment.resource_id));
  if (!principal || !resource) return internal_error("an app role assignment leads nowhere");
  return Json::object({{"id", assignment.id},
                       {"deletedDateTime", nullptr},
                       {"appRoleId", assignment.role_id},
                       {"createdDateTime", format_iso8601_seconds(assignment.created)},
                       {"principalDisplayName", principal->name},
                       {"principalId", principal->object_id},
                       {"principalType", type_of(*principal)},
                       {"resourceDisplayName", resource->name},
                       {"resourceId", resource->object_id}});
}

using Listed = Result<std::vector<AppRoleAssignment>> (*)(db::Executor&, const std::string&);

Answer list(const Graph& graph, const Noun& noun, Context& context, Listed listed) {
  ListOptions options = TRY(list_options(context));
  size_t skip =
      static_cast<size_t>(std::max<int64_t>(0, parse_int(options.skip_token).value_or(0)));
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    Json::Array items;
    size_t matched = 0;
    bool more = false;
    for (const AppRoleAssignment& each : TRY(listed(reader, object.object_id))) {
      Json json = TRY(assignment_json(reader, each));
      if (options.filter && !options.filter->matches(json)) continue;
      if (matched++ < skip) continue;
      more = items.size() == options.top;
      if (more) break;
      items.push_back(selected(std::move(json), options.select));
    }
    std::string next = more ? next_page(context, std::to_string(skip + options.top)) : "";
    return collection(context, kAssignments, std::move(items), next);
  });
}

// The assignment that the path names, of the object that it names.
Result<AppRoleAssignment> assignment_of(const Graph& graph, db::Executor& db, const Noun& noun,
                                        Context& context) {
  Object object = TRY(object_of(graph, db, noun, context));
  const std::string& id = context.param("assignment");
  auto found = TRY(AppRoleStore::find(db, id));
  if (!found || (found->principal_id != object.object_id && found->resource_id != object.object_id))
    return no_such_object(id);
  return *found;
}

Error no_such_role() {
  return bad_request("Permission being assigned was not found on application.");
}

// The role must be the application's, enabled, and for principals of this kind.
Result<void> check_role(db::Executor& db, const Object& principal, const Object& resource,
                        const std::string& role_id) {
  if (role_id == kDefaultAccess) return {};
  auto application = TRY(Store::find_by_app_id(db, kApplication, resource.app_id.value_or("")));
  if (!application) return no_such_role();
  for (const AppRole& role : app_roles(*application)) {
    if (role.id != role_id || !role.enabled) continue;
    bool fits = principal.kind == kServicePrincipal ? role.for_applications : role.for_people;
    return fits ? success() : no_such_role();
  }
  return no_such_role();
}

// `subject` of the body is the object that the path names: the principal, or the resource.
Answer create(const Graph& graph, const Noun& noun, Context& context, std::string_view subject) {
  const Json body = TRY(context.json());
  AppRoleAssignment made{new_uuid(), to_lower(body["principalId"].str()),
                         to_lower(body["resourceId"].str()), to_lower(body["appRoleId"].str()),
                         now()};
  for (const std::string& id : {made.principal_id, made.resource_id, made.role_id})
    if (!is_uuid(id))
      return bad_request("'principalId', 'resourceId' and 'appRoleId' must be GUIDs.");
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    if (!iequals(body[subject].str(), object.object_id))
      return bad_request(cat({"'", subject, "' must be the object that the address names."}));
    auto principal = TRY(Store::find(tx, made.principal_id));
    if (!principal || principal->kind == kApplication) return no_such_object(made.principal_id);
    auto resource = TRY(Store::find(tx, made.resource_id));
    if (!resource || resource->kind != kServicePrincipal) return no_such_object(made.resource_id);
    TRY(check_role(tx, *principal, *resource, made.role_id));
    for (const AppRoleAssignment& each : TRY(AppRoleStore::of_principal(tx, made.principal_id)))
      if (each.resource_id == made.resource_id && each.role_id == made.role_id)
        return bad_request("Permission being assigned already exists on the object");
    TRY(AppRoleStore::add(tx, made));
    TRY(graph.changes.record(tx, principal->object_id, principal->kind, "updated"));
    return entity(context, kAssignments, TRY(assignment_json(tx, made)), 201);
  });
}

}  // namespace

Answer list_app_roles_held(const Graph& graph, const Noun& noun, Context& context) {
  return list(graph, noun, context, AppRoleStore::of_principal);
}

Answer list_app_roles_given(const Graph& graph, const Noun& noun, Context& context) {
  return list(graph, noun, context, AppRoleStore::of_resource);
}

Answer create_app_role_held(const Graph& graph, const Noun& noun, Context& context) {
  return create(graph, noun, context, "principalId");
}

Answer create_app_role_given(const Graph& graph, const Noun& noun, Context& context) {
  return create(graph, noun, context, "resourceId");
}

Answer get_app_role_assignment(const Graph& graph, const Noun& noun, Context& context) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    AppRoleAssignment found = TRY(assignment_of(graph, reader, noun, context));
    return entity(context, kAssignments, TRY(assignment_json(reader, found)));
  });
}

Answer delete_app_role_assignment(const Graph& graph, const Noun& noun, Context& context) {
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    AppRoleAssignment found = TRY(assignment_of(graph, tx, noun, context));
    TRY(AppRoleStore::remove(tx, found.id));
    auto principal = TRY(Store::find(tx, found.principal_id));
    if (principal) TRY(graph.changes.record(tx, principal->object_id, principal->kind, "updated"));
    return no_content();
  });
}

}  // namespace lazuli::directory
