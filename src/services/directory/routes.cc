// SPDX-License-Identifier: Apache-2.0
#include "services/directory/routes.h"

#include "base/strings.h"

namespace lazuli::directory {
namespace {

using core::Host;
using http::Method;
using Function = Answer (*)(const Graph&, const Noun&, Context&);

constexpr uint64_t kBodyBytesMax = 1 << 20;

// The permissions stand below Microsoft.Authorization, not below Microsoft.Graph: whoever may write
// the directory may become anybody, so Contributor must not hold them (docs/adr).
std::string permission(std::string_view noun, std::string_view verb) {
  return cat({"Microsoft.Authorization/directory/", noun, "/", verb});
}

// Whether the path names the caller's own object.
bool is_own(const Context& context) {
  const core::Principal& caller = context.principal();
  if (const std::string& app_id = context.param("app_id"); !app_id.empty())
    return iequals(app_id, caller.app_id());
  const std::string& id = context.param("id");
  return id.empty() || iequals(id, caller.object_id());
}

struct Spec {
  Method method;
  std::string path;  // behind "/{version}/"
  std::string operation_id, permission;
  Function function = nullptr;
  bool own = false;
};

class Describer {
 public:
  Describer(core::Manifest& manifest, std::function<const Graph&()> graph)
      : manifest_(manifest), graph_(std::move(graph)) {}

  void add(const Noun& noun, Spec spec) {
    core::Route route;
    route.host = Host::kGraph;
    route.method = spec.method;
    route.path = "/{version}/" + spec.path;
    route.operation = {spec.permission};
    route.operation_id = std::move(spec.operation_id);
    route.credentials = {core::Credential::kGraphToken};
    route.errors = core::ErrorShape::kGraph;
    route.body_bytes_max = kBodyBytesMax;
    // The server lets a principal at "/principals/{its object id}" (server/chain.cc).
    route.scope = [own = spec.own](const Context& context) -> Result<std::string> {
      if (own && is_own(context)) return "/principals/" + context.principal().object_id();
      return std::string("/");
    };
    route.summary = "Microsoft Graph.";
    if (spec.function != nullptr)
      route.handler = [noun, graph = graph_, function = spec.function](Context& context) -> Answer {
        const std::string& version = context.param("version");
        if (version != "v1.0" && version != "beta")
          return bad_request("Invalid version: " + version.substr(0, 32));
        return function(graph(), noun, context);
      };
    manifest_.routes.push_back(std::move(route));
  }

 private:
  core::Manifest& manifest_;
  std::function<const Graph&()> graph_;
};

// "users/{id}", "users('{id}')", and by app id where there is one.
std::vector<std::string> items_of(const Noun& noun) {
  std::string name(noun.collection);
  std::vector<std::string> paths = {name + "/{id}", name + "('{id}')"};
  if (noun.kind == kApplication || noun.kind == kServicePrincipal)
    paths.push_back(name + "(appId='{app_id}')");
  return paths;
}

void describe_members(Describer& describer, const Noun& noun, const std::string& item) {
  std::string read = permission(noun.collection, "read"),
              write = permission(noun.collection, "write");
  std::string id(noun.kind);
  if (noun.kind == kGroup) {
    describer.add(noun, {Method::kGet, item + "/members", id + "_ListMembers", read, list_members});
    describer.add(noun, {Method::kGet, item + "/transitiveMembers", id + "_ListTransitiveMembers",
                         read, list_transitive_members});
    describer.add(
        noun, {Method::kPost, item + "/members/$ref", id + "_CreateMemberRef", write, add_member});
    describer.add(noun, {Method::kDelete, item + "/members/{other}/$ref", id + "_DeleteMemberRef",
                         write, remove_member});
  }
  if (noun.kind != kUser) {
    describer.add(noun, {Method::kGet, item + "/owners", id + "_ListOwners", read, list_owners});
    describer.add(noun,
                  {Method::kPost, item + "/owners/$ref", id + "_CreateOwnerRef", write, add_owner});
    describer.add(noun, {Method::kDelete, item + "/owners/{other}/$ref", id + "_DeleteOwnerRef",
                         write, remove_owner});
  }
  if (noun.kind == kApplication) return;
  describer.add(
      noun, {Method::kGet, item + "/memberOf", id + "_ListMemberOf", read, list_member_of, true});
  describer.add(noun, {Method::kGet, item + "/transitiveMemberOf", id + "_ListTransitiveMemberOf",
                       read, list_transitive_member_of, true});
  describer.add(noun, {Method::kGet, item + "/ownedObjects", id + "_ListOwnedObjects", read,
                       list_owned, true});
  for (std::string_view action : {"getMemberGroups", "getMemberObjects"})
    describer.add(noun, {Method::kPost, cat({item, "/", action}), cat({id, "_", action}), read,
                         get_member_groups, true});
  describer.add(noun, {Method::kPost, item + "/checkMemberGroups", id + "_checkMemberGroups", read,
                       check_member_groups, true});
}

void describe_credentials(Describer& describer, const Noun& noun, const std::string& item) {
  std::string read = permission(noun.collection, "read"),
              write = permission(noun.collection, "write");
  std::string id(noun.kind);
  if (noun.kind == kUser) {
    describer.add(noun, {Method::kPost, item + "/revokeSignInSessions",
                         id + "_revokeSignInSessions", write, revoke_sessions, true});
    return;
  }
  if (noun.kind == kGroup) return;
  describer.add(noun,
                {Method::kPost, item + "/addPassword", id + "_addPassword", write, add_password});
  describer.add(noun, {Method::kPost, item + "/removePassword", id + "_removePassword", write,
                       remove_password});
  describer.add(noun, {Method::kPost, item + "/addKey", id + "_addKey", write});
  describer.add(noun, {Method::kPost, item + "/removeKey", id + "_removeKey", write});
  if (noun.kind == kServicePrincipal) return;
  std::string base = item + "/federatedIdentityCredentials";
  describer.add(
      noun, {Method::kGet, base, id + "_ListFederatedIdentityCredentials", read, list_federations});
  describer.add(noun, {Method::kPost, base, id + "_CreateFederatedIdentityCredentials", write,
                       create_federation});
  for (const std::string& one : {base + "/{credential}", base + "(name='{credential}')"}) {
    describer.add(
        noun, {Method::kGet, one, id + "_GetFederatedIdentityCredentials", read, get_federation});
    describer.add(noun, {Method::kPatch, one, id + "_UpdateFederatedIdentityCredentials", write,
                         update_federation});
    describer.add(noun, {Method::kDelete, one, id + "_DeleteFederatedIdentityCredentials", write,
                         delete_federation});
  }
}

// Roles that applications declare: who has them, and whom they are given to.
void describe_app_roles(Describer& describer, const Noun& noun, const std::string& item) {
  if (noun.kind == kApplication) return;
  std::string read = permission("appRoleAssignments", "read"),
              write = permission("appRoleAssignments", "write"),
              remove = permission("appRoleAssignments", "delete"), id(noun.kind);
  std::string held = item + "/appRoleAssignments", given = item + "/appRoleAssignedTo";
  describer.add(
      noun, {Method::kGet, held, id + "_ListAppRoleAssignments", read, list_app_roles_held, true});
  describer.add(
      noun, {Method::kPost, held, id + "_CreateAppRoleAssignments", write, create_app_role_held});
  std::vector<std::string> lists = {held};
  if (noun.kind == kServicePrincipal) {
    describer.add(noun, {Method::kGet, given, id + "_ListAppRoleAssignedTo", read,
                         list_app_roles_given, true});
    describer.add(noun, {Method::kPost, given, id + "_CreateAppRoleAssignedTo", write,
                         create_app_role_given});
    lists.push_back(given);
  }
  for (const std::string& base : lists) {
    std::string one = base + "/{assignment}";
    std::string name = id + (base == held ? "_{}AppRoleAssignments" : "_{}AppRoleAssignedTo");
    describer.add(
        noun, {Method::kGet, one, replace_all(name, "{}", "Get"), read, get_app_role_assignment});
    describer.add(noun, {Method::kDelete, one, replace_all(name, "{}", "Delete"), remove,
                         delete_app_role_assignment});
  }
}

void describe_noun(Describer& describer, const Noun& noun) {
  std::string read = permission(noun.collection, "read"),
              write = permission(noun.collection, "write");
  std::string id(noun.kind), name(noun.collection);
  describer.add(noun, {Method::kGet, name, id + "_List", read, list_objects});
  describer.add(noun, {Method::kGet, name + "/$count", id + "_Count", read, count_objects});
  describer.add(noun, {Method::kPost, name, id + "_Create", write, create_object});
  describer.add(noun, {Method::kGet, name + "/delta", id + "_Delta", read});
  for (const std::string& item : items_of(noun)) {
    describer.add(noun, {Method::kGet, item, id + "_Get", read, get_object, true});
    describer.add(noun, {Method::kPatch, item, id + "_Update", write, update_object});
    describer.add(noun, {Method::kDelete, item, id + "_Delete",
                         permission(noun.collection, "delete"), delete_object});
    describe_members(describer, noun, item);
    describe_credentials(describer, noun, item);
    describe_app_roles(describer, noun, item);
  }
}

// The signed-in user: all of it is the caller's own.
void describe_me(Describer& describer) {
  const Noun me{kUser, "users"};
  std::string read = permission("users", "read");
  describer.add(me, {Method::kGet, "me", "me_Get", read, get_object, true});
  describer.add(me, {Method::kGet, "me/memberOf", "me_ListMemberOf", read, list_member_of, true});
  describer.add(me, {Method::kGet, "me/transitiveMemberOf", "me_ListTransitiveMemberOf", read,
                     list_transitive_member_of, true});
  describer.add(me,
                {Method::kGet, "me/ownedObjects", "me_ListOwnedObjects", read, list_owned, true});
  describer.add(me, {Method::kGet, "me/appRoleAssignments", "me_ListAppRoleAssignments",
                     permission("appRoleAssignments", "read"), list_app_roles_held, true});
  describer.add(me, {Method::kPost, "me/getMemberGroups", "me_getMemberGroups", read,
                     get_member_groups, true});
  describer.add(me, {Method::kPost, "me/checkMemberGroups", "me_checkMemberGroups", read,
                     check_member_groups, true});
  describer.add(me, {Method::kPost, "me/changePassword", "me_changePassword",
                     permission("users", "write"), change_password, true});
  describer.add(me, {Method::kPost, "me/revokeSignInSessions", "me_revokeSignInSessions",
                     permission("users", "write"), revoke_sessions, true});
}

void describe_tenant(Describer& describer) {
  const Noun any{"", "directoryObjects"};
  std::string read = permission("directoryObjects", "read");
  describer.add(any, {Method::kPost, "directoryObjects/getByIds", "directoryObject_getByIds", read,
                      get_by_ids});
  describer.add(
      any, {Method::kGet, "directoryObjects/{id}", "directoryObject_Get", read, get_object, true});
  for (std::string_view action : {"getMemberGroups", "getMemberObjects"})
    describer.add(any, {Method::kPost, cat({"directoryObjects/{id}/", action}),
                        cat({"directoryObject_", action}), read, get_member_groups, true});
  describer.add(any, {Method::kPost, "directoryObjects/{id}/checkMemberGroups",
                      "directoryObject_checkMemberGroups", read, check_member_groups, true});
  describer.add(any, {Method::kGet, "organization", "organization_List",
                      permission("organization", "read"), list_organizations});
  describer.add(any, {Method::kGet, "domains", "domain_List", permission("organization", "read"),
                      list_domains});
  describer.add(any, {Method::kGet, "domains/{id}", "domain_Get",
                      permission("organization", "read"), list_domains});
  std::string consents = "oauth2PermissionGrants";
  std::string read_consents = permission(consents, "read"), write = permission(consents, "write");
  describer.add(
      any, {Method::kGet, consents, "oauth2PermissionGrant_List", read_consents, list_consents});
  describer.add(any,
                {Method::kPost, consents, "oauth2PermissionGrant_Create", write, create_consent});
  describer.add(any, {Method::kGet, consents + "/{id}", "oauth2PermissionGrant_Get", read_consents,
                      get_consent});
  describer.add(any, {Method::kPatch, consents + "/{id}", "oauth2PermissionGrant_Update", write,
                      update_consent});
  describer.add(any, {Method::kDelete, consents + "/{id}", "oauth2PermissionGrant_Delete",
                      permission(consents, "delete"), delete_consent});
  describer.add(any, {Method::kPost, "$batch", "batch", read});
  describer.add(any, {Method::kGet, "directory/deletedItems/{id}", "deletedItem_Get", read});
  describer.add(any, {Method::kGet, "directoryRoles", "directoryRole_List", read});
}

}  // namespace

void describe_graph(core::Manifest& manifest, std::function<const Graph&()> graph) {
  Describer describer(manifest, std::move(graph));
  for (const Noun& noun : kNouns) describe_noun(describer, noun);
  describe_me(describer);
  describe_tenant(describer);
}

}  // namespace lazuli::directory
