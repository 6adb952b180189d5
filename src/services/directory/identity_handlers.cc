// SPDX-License-Identifier: Apache-2.0
#include "services/directory/identity_handlers.h"

#include <algorithm>

#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "core/events.h"
#include "core/groups.h"
#include "core/tags.h"
#include "services/directory/credential_store.h"
#include "services/directory/federations.h"
#include "services/directory/principals.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

using core::Host;
using http::Method;
using Function = Answer (*)(const Graph&, Context&);

constexpr std::string_view kType = "Microsoft.ManagedIdentity/userAssignedIdentities";
constexpr uint64_t kBodyBytesMax = 256 * 1024;

std::string group_id(const Context& context) {
  return cat({"/subscriptions/", context.param("sub"), "/resourceGroups/", context.param("rg")});
}

std::string identity_id(const Context& context) {
  return cat({group_id(context), "/providers/", kType, "/", context.param("name")});
}

Error no_such_identity(const std::string& id) {
  return not_found(cat({"The Resource '", id, "' was not found."}), "ResourceNotFound");
}

Result<Object> identity_of(db::Executor& db, const Context& context) {
  std::string id = identity_id(context);
  auto found = TRY(Store::find_by_resource_id(db, id));
  if (!found || !found->explicit_identity) return no_such_identity(id);
  return *found;
}

// 3 to 128 letters, digits, hyphens and underscores; a letter or digit first.
Result<void> check_identity_name(std::string_view name) {
  auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  bool good = name.size() >= 3 && name.size() <= 128 && is_plain(name.front());
  for (char c : name) good = good && (is_plain(c) || c == '-' || c == '_');
  if (good) return {};
  return invalid_argument(cat({"The resource name '", name.substr(0, 140), "' is invalid."}),
                          "InvalidResourceName");
}

Result<void> write_tags(const Json& body, Object& identity) {
  const Json* tags = body.find("tags");
  if (tags == nullptr || tags->is_null()) return {};
  identity.properties.set("resourceTags", TRY(core::checked_tags(*tags)));
  return {};
}

Json identity_json(const Graph& graph, const Object& identity) {
  const Json& kept = identity.properties;
  const std::string& id = *identity.resource_id;
  Json tags = kept["resourceTags"].is_object() ? kept["resourceTags"] : Json::object();
  return Json::object({{"id", id},
                       {"name", identity.name},
                       {"type", kType},
                       {"location", kept["resourceLocation"].text()},
                       {"tags", std::move(tags)},
                       {"properties", Json::object({{"tenantId", graph.installation.tenant_id},
                                                    {"principalId", identity.object_id},
                                                    {"clientId", *identity.app_id},
                                                    {"isolationScope", "None"}})}});
}

Answer list_below(const Graph& graph, Context& context, const std::string& scope) {
  core::Page page = TRY(core::page_of(context));
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Json::Array items;
    bool more = false;
    size_t index = 0;
    for (const Object& each : TRY(Store::identities_below(reader, scope))) {
      if (index++ < page.skip) continue;
      more = items.size() == page.top;
      if (more) break;
      items.push_back(identity_json(graph, each));
    }
    return core::json_response(
        core::arm_list(std::move(items), more ? core::next_link(context, page) : ""));
  });
}

Answer list_by_subscription(const Graph& graph, Context& context) {
  return list_below(graph, context, "/subscriptions/" + context.param("sub"));
}
Answer list_by_group(const Graph& graph, Context& context) {
  return list_below(graph, context, group_id(context));
}

Answer get_identity(const Graph& graph, Context& context) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    return core::json_response(identity_json(graph, TRY(identity_of(reader, context))));
  });
}

// UserAssignedIdentities_CreateOrUpdate: 201 for a new one, 200 for one that was there.
Answer put_identity(const Graph& graph, Context& context) {
  const Json body = TRY(context.json());
  TRY(check_identity_name(context.param("name")));
  Object fresh = new_managed_identity(identity_id(context), true);
  std::string location = body["location"].text();
  fresh.properties.set("resourceLocation", location);
  TRY(write_tags(body, fresh));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    auto known = TRY(Store::find_by_resource_id(tx, *fresh.resource_id));
    if (known && !known->explicit_identity) return no_such_identity(*fresh.resource_id);
    Object identity = known ? *known : fresh;
    core::Placement placement{*fresh.resource_id, location};
    if (known) placement.location_before = known->properties["resourceLocation"].str();
    TRY(core::check_group(*graph.groups, tx, placement));
    if (known) {
      TRY(write_tags(body, identity));
      TRY(Store::update(tx, identity));
    } else {
      TRY(Store::add(tx, identity));
    }
    TRY(graph.changes.record(tx, identity.object_id, identity.kind, known ? "updated" : "created"));
    return core::json_response(identity_json(graph, identity), known ? 200 : 201);
  });
}

Answer patch_identity(const Graph& graph, Context& context) {
  const Json body = TRY(context.json());
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object identity = TRY(identity_of(tx, context));
    TRY(write_tags(body, identity));
    TRY(Store::update(tx, identity));
    TRY(graph.changes.record(tx, identity.object_id, identity.kind, "updated"));
    return core::json_response(identity_json(graph, identity));
  });
}

Answer delete_identity(const Graph& graph, Context& context) {
  std::string id = identity_id(context);
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    auto found = TRY(Store::find_by_resource_id(tx, id));
    if (!found || !found->explicit_identity) return http::Response(204);
    TRY(core::publish_deleted(graph.events, tx, id));  // and with it goes the principal
    return http::Response(200);
  });
}

// SystemAssignedIdentities_GetByScope: the identity of any resource.
Answer get_system_identity(const Graph& graph, Context& context) {
  const std::string& scope = context.param("scope");
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    auto found = TRY(Store::find_by_resource_id(reader, scope));
    if (!found || found->explicit_identity)
      return no_such_identity(scope + "/providers/Microsoft.ManagedIdentity/identities/default");
    return core::json_response(
        Json::object({{"id", scope + "/providers/Microsoft.ManagedIdentity/identities/default"},
                      {"name", "default"},
                      {"type", "Microsoft.ManagedIdentity/identities"},
                      {"location", graph.installation.region},
                      {"properties", Json::object({{"tenantId", graph.installation.tenant_id},
                                                   {"principalId", found->object_id},
                                                   {"clientId", *found->app_id}})}}));
  });
}

Json credential_json(const Context& context, const KeptFederation& each) {
  return Json::object(
      {{"id", cat({identity_id(context), "/federatedIdentityCredentials/", each.name})},
       {"name", each.name},
       {"type", cat({kType, "/federatedIdentityCredentials"})},
       {"properties", Json::object({{"issuer", each.issuer},
                                    {"subject", each.subject},
                                    {"audiences", Json::strings(each.audiences)}})}});
}

Result<std::optional<KeptFederation>> credential_of(db::Executor& db, const Object& identity,
                                                    const Context& context) {
  for (KeptFederation& each : TRY(CredentialStore::federations_of(db, identity.object_id)))
    if (iequals(each.name, context.param("credential")))
      return std::optional<KeptFederation>(std::move(each));
  return std::optional<KeptFederation>();
}

Answer list_credentials(const Graph& graph, Context& context) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object identity = TRY(identity_of(reader, context));
    Json::Array items;
    for (const KeptFederation& each :
         TRY(CredentialStore::federations_of(reader, identity.object_id)))
      items.push_back(credential_json(context, each));
    return core::json_response(core::arm_list(std::move(items)));
  });
}

Answer get_credential(const Graph& graph, Context& context) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object identity = TRY(identity_of(reader, context));
    auto found = TRY(credential_of(reader, identity, context));
    if (!found)
      return no_such_identity(cat(
          {identity_id(context), "/federatedIdentityCredentials/", context.param("credential")}));
    return core::json_response(credential_json(context, *found));
  });
}

Answer put_credential(const Graph& graph, Context& context) {
  const Json body = TRY(context.json());
  TRY(check_identity_name(context.param("credential")));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object identity = TRY(identity_of(tx, context));
    auto known = TRY(credential_of(tx, identity, context));
    KeptFederation kept;
    if (known) kept = *known;
    if (!known) {
      kept.id = new_uuid();
      kept.name = context.param("credential");
      TRY(check_federation_room(tx, identity));
    }
    TRY(write_federation(body["properties"], kept));
    TRY(CredentialStore::put_federation(tx, identity.object_id, kept));
    TRY(graph.changes.record(tx, identity.object_id, identity.kind, "credentials"));
    return core::json_response(credential_json(context, kept), known ? 200 : 201);
  });
}

Answer delete_credential(const Graph& graph, Context& context) {
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object identity = TRY(identity_of(tx, context));
    auto found = TRY(credential_of(tx, identity, context));
    if (!found) return http::Response(204);
    TRY(CredentialStore::remove_federation(tx, found->id));
    TRY(graph.changes.record(tx, identity.object_id, identity.kind, "credentials"));
    TRY(core::publish_deleted(graph.events, tx, credential_json(context, *found)["id"].text()));
    return http::Response(200);
  });
}

struct Spec {
  Method method;
  std::string path, operation_id, permission;
  Function function;
};

void add(core::Manifest& manifest, const std::function<const Graph&()>& graph, Spec spec) {
  core::Route route;
  route.method = spec.method;
  route.path = std::move(spec.path);
  route.operation = {std::move(spec.permission)};
  route.operation_id = std::move(spec.operation_id);
  route.body_bytes_max = kBodyBytesMax;
  route.summary = "Managed identities.";
  route.handler = [graph, function = spec.function](Context& context) {
    return function(graph(), context);
  };
  manifest.routes.push_back(std::move(route));
}

}  // namespace

void describe_identities(core::Manifest& manifest, std::function<const Graph&()> graph) {
  const std::string subscription = "/subscriptions/{sub}", group = "/resourceGroups/{rg}";
  const std::string type = cat({"/providers/", kType}), right(kType);
  const std::string one = subscription + group + type + "/{name}";
  const std::string credentials = one + "/federatedIdentityCredentials";
  const std::string credential_right = right + "/federatedIdentityCredentials";
  manifest.resource_types.push_back(
      {std::string(kType), {"2024-11-30", "2023-01-31", "2018-11-30"}, {}});
  for (Spec spec : {
           Spec{Method::kGet, subscription + type, "UserAssignedIdentities_ListBySubscription",
                right + "/read", list_by_subscription},
           Spec{Method::kGet, subscription + group + type,
                "UserAssignedIdentities_ListByResourceGroup", right + "/read", list_by_group},
           Spec{Method::kGet, one, "UserAssignedIdentities_Get", right + "/read", get_identity},
           Spec{Method::kPut, one, "UserAssignedIdentities_CreateOrUpdate", right + "/write",
                put_identity},
           Spec{Method::kPatch, one, "UserAssignedIdentities_Update", right + "/write",
                patch_identity},
           Spec{Method::kDelete, one, "UserAssignedIdentities_Delete", right + "/delete",
                delete_identity},
           Spec{Method::kGet, credentials, "FederatedIdentityCredentials_List",
                credential_right + "/read", list_credentials},
           Spec{Method::kGet, credentials + "/{credential}", "FederatedIdentityCredentials_Get",
                credential_right + "/read", get_credential},
           Spec{Method::kPut, credentials + "/{credential}",
                "FederatedIdentityCredentials_CreateOrUpdate", credential_right + "/write",
                put_credential},
           Spec{Method::kDelete, credentials + "/{credential}",
                "FederatedIdentityCredentials_Delete", credential_right + "/delete",
                delete_credential},
           Spec{Method::kGet, "/{scope*}/providers/Microsoft.ManagedIdentity/identities/default",
                "SystemAssignedIdentities_GetByScope", "Microsoft.ManagedIdentity/identities/read",
                get_system_identity},
       })
    add(manifest, graph, std::move(spec));
}

}  // namespace lazuli::directory
