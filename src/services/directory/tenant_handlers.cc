// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/directory/consent_store.h"
#include "services/directory/graph.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr size_t kIdsMax = 1000;
constexpr size_t kScopeMax = 4096;
constexpr std::string_view kConsents = "oauth2PermissionGrants";

Json consent_json(const Consent& consent) {
  return Json::object(
      {{"clientId", consent.client_id},
       {"consentType", consent.consent_type},
       {"id", consent.id},
       {"principalId", consent.principal_id.empty() ? Json() : Json(consent.principal_id)},
       {"resourceId", consent.resource_id},
       {"scope", consent.scope}});
}

Result<Consent> consent_of(db::Executor& db, const Context& context) {
  auto found = TRY(ConsentStore::find(db, context.param("id")));
  if (!found) return no_such_object(context.param("id"));
  return *found;
}

Result<void> must_be(db::Executor& db, const std::string& id, std::string_view kind) {
  auto object = TRY(Store::find(db, id));
  if (object && object->kind == kind) return {};
  return no_such_object(id);
}

bool is_asked(const Json& types, std::string_view kind) {
  if (types.empty()) return true;
  return std::any_of(types.items().begin(), types.items().end(), [&](const Json& type) {
    return iequals(type.str(), kind) || iequals(type.str(), "directoryObject");
  });
}

}  // namespace

// https://learn.microsoft.com/graph/api/directoryobject-getbyids
Answer get_by_ids(const Graph& graph, const Noun&, Context& context) {
  const Json body = TRY(context.json());
  const Json& ids = body["ids"];
  if (!ids.is_array() || ids.size() > kIdsMax)
    return bad_request("'ids' must list at most 1000 ids.");
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Json::Array items;
    for (const Json& id : ids.items()) {
      auto object = TRY(Store::find(reader, id.text()));
      if (!object || !is_asked(body["types"], object->kind)) continue;
      Json json = Json::object({{"@odata.type", cat({"#microsoft.graph.", object->kind})}});
      const Json plain = render_plain(graph, *object);
      for (const Json::Member& member : plain.members()) json.set(member.key, member.value);
      items.push_back(std::move(json));
    }
    return collection(context, "directoryObjects", std::move(items));
  });
}

// https://learn.microsoft.com/graph/api/organization-list
Answer list_organizations(const Graph& graph, const Noun&, Context& context) {
  const core::Installation& home = graph.installation;
  Json domain = Json::object({{"capabilities", ""},
                              {"isDefault", true},
                              {"isInitial", true},
                              {"name", home.domain},
                              {"type", "Managed"}});
  Json organization = Json::object({{"id", home.tenant_id},
                                    {"displayName", home.cloud_name},
                                    {"tenantType", "AAD"},
                                    {"verifiedDomains", Json::array({std::move(domain)})}});
  return collection(context, "organization", {std::move(organization)});
}

// https://learn.microsoft.com/graph/api/domain-list
Answer list_domains(const Graph& graph, const Noun&, Context& context) {
  Json domain = Json::object({{"authenticationType", "Managed"},
                              {"id", graph.installation.domain},
                              {"isAdminManaged", true},
                              {"isDefault", true},
                              {"isInitial", true},
                              {"isRoot", true},
                              {"isVerified", true},
                              {"supportedServices", Json::array()}});
  if (context.param("id").empty()) return collection(context, "domains", {std::move(domain)});
  if (!iequals(context.param("id"), graph.installation.domain))
    return no_such_object(context.param("id"));
  return entity(context, "domains", domain);
}

// https://learn.microsoft.com/graph/api/oauth2permissiongrant-list
Answer list_consents(const Graph& graph, const Noun&, Context& context) {
  ListOptions options = TRY(list_options(context));
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Json::Array items;
    for (const Consent& each : TRY(ConsentStore::list(reader))) {
      Json json = consent_json(each);
      if (!options.filter || options.filter->matches(json))
        items.push_back(selected(std::move(json), options.select));
    }
    return collection(context, kConsents, std::move(items));
  });
}

Answer create_consent(const Graph& graph, const Noun&, Context& context) {
  const Json body = TRY(context.json());
  Consent made{new_uuid(),
               to_lower(body["clientId"].str()),
               to_lower(body["resourceId"].str()),
               to_lower(body["principalId"].str()),
               body["consentType"].text(),
               body["scope"].text()};
  bool for_all = made.consent_type == "AllPrincipals";
  if (!for_all && made.consent_type != "Principal")
    return bad_request("'consentType' must be AllPrincipals or Principal.");
  if (for_all != made.principal_id.empty())
    return bad_request("'principalId' goes with the consentType Principal, and only with it.");
  if (made.scope.size() > kScopeMax) return bad_request("'scope' is too long.");
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    TRY(must_be(tx, made.client_id, kServicePrincipal));
    TRY(must_be(tx, made.resource_id, kServicePrincipal));
    if (!for_all) TRY(must_be(tx, made.principal_id, kUser));
    for (const Consent& each : TRY(ConsentStore::list(tx)))
      if (each.client_id == made.client_id && each.resource_id == made.resource_id &&
          each.principal_id == made.principal_id)
        return conflict("Permission entry already exists.",
                        "Request_MultipleObjectsWithSameKeyValue");
    TRY(ConsentStore::add(tx, made));
    TRY(graph.changes.record(tx, made.client_id, kServicePrincipal, "updated"));
    return entity(context, kConsents, consent_json(made), 201);
  });
}

Answer get_consent(const Graph& graph, const Noun&, Context& context) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    return entity(context, kConsents, consent_json(TRY(consent_of(reader, context))));
  });
}

Answer update_consent(const Graph& graph, const Noun&, Context& context) {
  const Json body = TRY(context.json());
  if (!body["scope"].is_string() || body["scope"].str().size() > kScopeMax)
    return bad_request("'scope' must be a text.");
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Consent consent = TRY(consent_of(tx, context));
    TRY(ConsentStore::set_scope(tx, consent.id, body["scope"].text()));
    TRY(graph.changes.record(tx, consent.client_id, kServicePrincipal, "updated"));
    return no_content();
  });
}

Answer delete_consent(const Graph& graph, const Noun&, Context& context) {
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Consent consent = TRY(consent_of(tx, context));
    TRY(ConsentStore::remove(tx, consent.id));
    TRY(graph.changes.record(tx, consent.client_id, kServicePrincipal, "updated"));
    return no_content();
  });
}

}  // namespace lazuli::directory
