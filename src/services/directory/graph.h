// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/events.h"
#include "core/groups.h"
#include "core/service.h"
#include "db/db.h"
#include "services/directory/changes.h"
#include "services/directory/external_accounts.h"
#include "services/directory/model.h"
#include "services/directory/odata.h"
#include "services/directory/passwords.h"
#include "services/directory/schema.h"
#include "services/directory/secrets.h"

namespace lazuli::directory {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// What the handlers of Microsoft Graph share.
struct Graph {
  const core::Installation& installation;
  db::Database::Handle handle;
  Changes& changes;
  Passwords& passwords;
  Secrets& secrets;
  ExternalAccounts& external;
  Directory& directory;
  Schema schema;
  core::Events& events;
  core::ResourceGroups* groups = nullptr;  // from start() on
};

// A collection of objects: "users" of kind kUser.
struct Noun {
  std::string_view kind, collection;
};
inline constexpr Noun kNouns[] = {{kUser, "users"},
                                  {kGroup, "groups"},
                                  {kApplication, "applications"},
                                  {kServicePrincipal, "servicePrincipals"}};

// object_handlers.cc
Answer list_objects(const Graph& graph, const Noun& noun, Context& context);
Answer count_objects(const Graph& graph, const Noun& noun, Context& context);
Answer create_object(const Graph& graph, const Noun& noun, Context& context);
Answer get_object(const Graph& graph, const Noun& noun, Context& context);
Answer update_object(const Graph& graph, const Noun& noun, Context& context);
Answer delete_object(const Graph& graph, const Noun& noun, Context& context);

// relation_handlers.cc
Answer list_members(const Graph& graph, const Noun& noun, Context& context);
Answer list_transitive_members(const Graph& graph, const Noun& noun, Context& context);
Answer add_member(const Graph& graph, const Noun& noun, Context& context);
Answer remove_member(const Graph& graph, const Noun& noun, Context& context);
Answer list_owners(const Graph& graph, const Noun& noun, Context& context);
Answer add_owner(const Graph& graph, const Noun& noun, Context& context);
Answer remove_owner(const Graph& graph, const Noun& noun, Context& context);
Answer list_member_of(const Graph& graph, const Noun& noun, Context& context);
Answer list_transitive_member_of(const Graph& graph, const Noun& noun, Context& context);
Answer get_member_groups(const Graph& graph, const Noun& noun, Context& context);
Answer check_member_groups(const Graph& graph, const Noun& noun, Context& context);
Answer list_owned(const Graph& graph, const Noun& noun, Context& context);

// credential_handlers.cc
Answer add_password(const Graph& graph, const Noun& noun, Context& context);
Answer remove_password(const Graph& graph, const Noun& noun, Context& context);
Answer list_federations(const Graph& graph, const Noun& noun, Context& context);
Answer create_federation(const Graph& graph, const Noun& noun, Context& context);
Answer get_federation(const Graph& graph, const Noun& noun, Context& context);
Answer update_federation(const Graph& graph, const Noun& noun, Context& context);
Answer delete_federation(const Graph& graph, const Noun& noun, Context& context);
Answer change_password(const Graph& graph, const Noun& noun, Context& context);
Answer revoke_sessions(const Graph& graph, const Noun& noun, Context& context);

// app_role_handlers.cc
Answer list_app_roles_held(const Graph& graph, const Noun& noun, Context& context);
Answer list_app_roles_given(const Graph& graph, const Noun& noun, Context& context);
Answer create_app_role_held(const Graph& graph, const Noun& noun, Context& context);
Answer create_app_role_given(const Graph& graph, const Noun& noun, Context& context);
Answer get_app_role_assignment(const Graph& graph, const Noun& noun, Context& context);
Answer delete_app_role_assignment(const Graph& graph, const Noun& noun, Context& context);

// tenant_handlers.cc
Answer get_by_ids(const Graph& graph, const Noun& noun, Context& context);
Answer list_organizations(const Graph& graph, const Noun& noun, Context& context);
Answer list_domains(const Graph& graph, const Noun& noun, Context& context);
Answer list_consents(const Graph& graph, const Noun& noun, Context& context);
Answer create_consent(const Graph& graph, const Noun& noun, Context& context);
Answer get_consent(const Graph& graph, const Noun& noun, Context& context);
Answer update_consent(const Graph& graph, const Noun& noun, Context& context);
Answer delete_consent(const Graph& graph, const Noun& noun, Context& context);

// graph.cc: what the handlers have in common.
Error no_such_object(std::string_view key);
Error bad_request(std::string message);

// The object that the path names, by id, app id or UPN; the caller's own for /me.
Result<Object> object_of(const Graph& graph, db::Executor& db, const Noun& noun, Context& context);

// The whole object as clients read it, its credentials included. What Graph tells only when asked
// (a user's `identities`) is there when the options select it or filter by it.
Result<Json> render(const Graph& graph, db::Executor& db, const Object& object,
                    const ListOptions& options = {});
// The same without credentials, of many.
Json render_plain(const Graph& graph, const Object& object);

// {"@odata.context": …, …} of one object; `fragment` is what follows "$metadata#".
http::Response entity(const Context& context, std::string_view fragment, const Json& object,
                      int status = 200);
// {"@odata.context": …, "value": […]}, and a link to the next page.
http::Response collection(const Context& context, std::string_view fragment, Json::Array items,
                          const std::string& next = {});
// Objects of any kinds, each with its "@odata.type", selected, filtered and paged as asked.
Answer mixed(const Graph& graph, const Context& context, const std::vector<Object>& objects);
http::Response no_content();

// credential_handlers.cc: keyCredentials as written by a client replace those of the object.
Result<void> write_certificates(db::Tx& tx, const Object& object, const Json& key_credentials);
Result<Json> certificates_json(db::Executor& db, const Object& object);
Result<Json> secrets_json(db::Executor& db, const Object& object);

}  // namespace lazuli::directory
