// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/directory/app_roles.h"
#include "services/directory/graph.h"
#include "services/directory/principals.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr size_t kBatch = 500;

// Objects that a filter can match, found without looking at all; nothing where all must be.
Result<std::optional<std::vector<Object>>> candidates(db::Executor& db, const Noun& noun,
                                                      const Filter& filter) {
  using Found = std::optional<std::vector<Object>>;
  auto of_kind = [&](const std::optional<Object>& object) {
    std::vector<Object> list;
    if (object && object->kind == noun.kind) list.push_back(*object);
    return Found(std::move(list));
  };
  if (auto id = filter.required("id")) return of_kind(TRY(Store::find(db, *id)));
  if (auto app_id = filter.required("appId"))
    return of_kind(TRY(Store::find_by_app_id(db, noun.kind, *app_id)));
  if (auto upn = filter.required("userPrincipalName"))
    return of_kind(TRY(Store::find_by_upn(db, *upn)));
  if (auto name = filter.required_element("servicePrincipalNames")) {
    auto object = TRY(Store::find_by_app_id(db, noun.kind, *name));
    if (object) return of_kind(object);
  }
  return Found();
}

// Calls `take` with each match until it says no more. Reads in batches, by object id.
template <typename Take>
Result<void> each_match(const Graph& graph, db::Executor& db, const Noun& noun,
                        const ListOptions& options, std::string after, Take take) {
  bool linked = noun.kind == kUser && options.filter && options.filter->concerns("identities");
  auto offer = [&](const std::vector<Object>& objects) -> Result<bool> {
    for (const Object& object : objects) {
      if (object.object_id <= after) continue;
      Json json = linked ? TRY(render(graph, db, object, options)) : render_plain(graph, object);
      if (options.filter && !options.filter->matches(json)) continue;
      if (!take(object, std::move(json))) return false;
    }
    return true;
  };
  if (options.filter)
    if (auto found = TRY(candidates(db, noun, *options.filter))) {
      TRY(offer(*found));
      return {};
    }
  std::string from = after;
  while (true) {
    std::vector<Object> batch = TRY(Store::list(db, noun.kind, from, kBatch));
    if (!TRY(offer(batch)) || batch.size() < kBatch) return {};
    from = batch.back().object_id;
  }
}

struct Matches {
  std::vector<Object> objects;
  std::string next;  // the skip token; empty at the end
  size_t count = 0;  // of all, where it was asked for
};

Result<Matches> page_in_order(const Graph& graph, db::Executor& db, const Noun& noun,
                              const ListOptions& options) {
  std::vector<std::pair<Json, Object>> all;
  TRY(each_match(graph, db, noun, options, {}, [&](const Object& object, Json json) {
    all.emplace_back(at_path(json, options.order_by), object);
    return true;
  }));
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    return options.descending ? before(b.first, a.first) : before(a.first, b.first);
  });
  Matches matches;
  matches.count = all.size();
  size_t skip =
      static_cast<size_t>(std::max<int64_t>(0, parse_int(options.skip_token).value_or(0)));
  for (size_t i = skip; i < all.size() && i < skip + options.top; ++i)
    matches.objects.push_back(std::move(all[i].second));
  if (skip + options.top < all.size()) matches.next = std::to_string(skip + options.top);
  return matches;
}

Result<Matches> page(const Graph& graph, db::Executor& db, const Noun& noun,
                     const ListOptions& options) {
  if (!options.order_by.empty()) return page_in_order(graph, db, noun, options);
  Matches matches;
  TRY(each_match(graph, db, noun, options, options.skip_token,
                 [&](const Object& object, const Json&) {
                   if (matches.objects.size() == options.top) {
                     matches.next = matches.objects.back().object_id;
                     return false;
                   }
                   matches.objects.push_back(object);
                   return true;
                 }));
  if (options.count)
    TRY(each_match(graph, db, noun, options, {}, [&](const Object&, const Json&) {
      ++matches.count;
      return true;
    }));
  return matches;
}

// Links that a body makes at creation: "owners@odata.bind": [url, …].
Result<std::vector<std::string>> bound(const Json& body, std::string_view name) {
  std::vector<std::string> ids;
  const Json& links = body[cat({name, "@odata.bind"})];
  for (const Json& link : links.items()) ids.push_back(TRY(id_in_reference(link.str())));
  return ids;
}

Result<void> bind(const Graph& graph, db::Tx& tx, const Object& object, const Json& body) {
  for (auto [relation, name] :
       {std::pair(Relation::kOwner, "owners"), std::pair(Relation::kMember, "members")}) {
    for (const std::string& id : TRY(bound(body, name))) {
      if (relation == Relation::kMember && object.kind != kGroup)
        return bad_request("only groups have members");
      auto other = TRY(Store::find(tx, id));
      if (!other || other->kind == kApplication || id == object.object_id)
        return no_such_object(id);
      TRY(RelationStore::add(tx, relation, object.object_id, id));
      if (relation == Relation::kMember)
        TRY(graph.changes.record(tx, object.object_id, object.kind, "members"));
    }
  }
  return {};
}

Error taken(const Object& object, std::string_view kind) {
  if (kind == kServicePrincipal)
    return conflict(cat({"The service principal cannot be created, updated, or restored because "
                         "the service principal name ",
                         object.app_id.value_or(""), " is already in use."}),
                    "Request_MultipleObjectsWithSameKeyValue");
  return bad_request(
      "Another object with the same value for property userPrincipalName already exists.");
}

// What a client may give a new object besides its plain properties.
Result<Object> draft(const Graph& graph, db::Executor& db, const Noun& noun, const Json& body) {
  if (noun.kind == kServicePrincipal) {
    std::string app_id = to_lower(body["appId"].str());
    auto application = TRY(Store::find_by_app_id(db, kApplication, app_id));
    if (!application)
      return bad_request(cat({"The appId '", app_id.substr(0, 64),
                              "' of the service principal does not reference a valid application "
                              "object."}));
    Object principal = new_service_principal(*application->app_id, application->name);
    follow(*application, principal);
    TRY(graph.schema.write(body, principal));
    return principal;
  }
  Object object = noun.kind == kApplication ? new_application({}) : new_object(noun.kind, {});
  TRY(graph.schema.write(body, object));
  if (object.name.empty())
    return bad_request("A value is required for property 'displayName' of resource.");
  if (noun.kind == kApplication) TRY(check_app_roles(object));
  if (noun.kind == kUser && !object.upn)
    return bad_request("A value is required for property 'userPrincipalName' of resource.");
  return object;
}

// The password a user is written with; empty where none is.
struct NewPassword {
  std::string hash;
  bool must_change = true;
};
Result<NewPassword> password_in(const Graph& graph, const Json& body) {
  const Json& profile = body["passwordProfile"];
  NewPassword made;
  made.must_change = profile["forceChangePasswordNextSignIn"].boolean(true);
  if (!profile["password"].is_string()) return made;
  made.hash = TRY(graph.passwords.hash(SecretString(profile["password"].str())));
  return made;
}

// What an application is called and declares is its service principal's as well.
Result<void> follow_application(const Graph& graph, db::Tx& tx, const Object& application) {
  auto principal = TRY(Store::find_by_app_id(tx, kServicePrincipal, *application.app_id));
  if (!principal) return {};
  follow(application, *principal);
  TRY(Store::update(tx, *principal));
  return graph.changes.record(tx, principal->object_id, principal->kind, "updated");
}

// The names by which this server's own services are asked for, and that of tokens with which
// applications prove themselves: no application may be meant by them.
bool is_reserved_uri(const core::Installation& installation, std::string_view uri) {
  const std::string text = to_lower(uri);
  const size_t scheme = text.find("://");
  if (scheme == text.npos) return false;
  std::string host = text.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/:?#"));
  while (host.ends_with('.')) host.pop_back();
  const std::string domain = to_lower(installation.domain);
  return host == domain || host.ends_with("." + domain) || host.ends_with(".azure.com") ||
         host == "azureadtokenexchange" || host.find('@') != host.npos;
}

Result<void> check_identifier_uris(const Graph& graph, db::Executor& db,
                                   const Object& application) {
  const Json& properties = application.properties;
  for (const Json& uri : properties["identifierUris"].items()) {
    if (!uri.is_string() || uri.str().find(':') == std::string_view::npos)
      return bad_request("Invalid value specified for property 'identifierUris' of resource.");
    if (is_reserved_uri(graph.installation, uri.str()))
      return bad_request(cat({"The identifier URI '", uri.str(), "' is reserved."}));
    std::string after;
    while (true) {
      std::vector<Object> batch = TRY(Store::list(db, kApplication, after, kBatch));
      for (const Object& other : batch) {
        const Json& others = other.properties;
        for (const Json& known : others["identifierUris"].items())
          if (other.object_id != application.object_id && iequals(known.str(), uri.str()))
            return bad_request(
                "Another object with the same value for property identifierUris already exists.");
      }
      if (batch.size() < kBatch) break;
      after = batch.back().object_id;
    }
  }
  return {};
}

}  // namespace

// https://learn.microsoft.com/graph/api/{user,group,application,serviceprincipal}-list
Answer list_objects(const Graph& graph, const Noun& noun, Context& context) {
  ListOptions options = TRY(list_options(context));
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Matches matches = TRY(page(graph, reader, noun, options));
    Json json = Json::object(
        {{"@odata.context", context.url("graph", cat({"/", context.param("version"), "/$metadata#",
                                                      noun.collection}))}});
    if (options.count) json.set("@odata.count", matches.count);
    if (!matches.next.empty()) json.set("@odata.nextLink", next_page(context, matches.next));
    Json items = Json::array();
    for (const Object& object : matches.objects)
      items.push_back(selected(TRY(render(graph, reader, object, options)), options.select));
    json.set("value", std::move(items));
    return core::json_response(json);
  });
}

// GET …/users/$count: a bare number.
Answer count_objects(const Graph& graph, const Noun& noun, Context& context) {
  if (!iequals(context.header("ConsistencyLevel"), "eventual"))
    return bad_request("$count needs the header 'ConsistencyLevel: eventual'.");
  ListOptions options = TRY(list_options(context));
  size_t count = 0;
  TRY(graph.handle.read([&](db::Reader& reader) -> Result<void> {
    count = 0;
    return each_match(graph, reader, noun, options, {}, [&](const Object&, const Json&) {
      ++count;
      return true;
    });
  }));
  return http::Response(200, std::to_string(count), "text/plain");
}

// https://learn.microsoft.com/graph/api/{user-post-users,group-post-groups,
// application-post-applications,serviceprincipal-post-serviceprincipals}
Answer create_object(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  NewPassword password = TRY(password_in(graph, body));
  if (noun.kind == kUser && password.hash.empty() && !links_account(body["identities"]))
    return bad_request("A password must be specified to create a new user.");
  Object object =
      TRY(graph.handle.read([&](db::Reader& reader) { return draft(graph, reader, noun, body); }));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    if (noun.kind == kApplication) TRY(check_identifier_uris(graph, tx, object));
    auto known = noun.kind == kUser ? TRY(Store::find_by_upn(tx, *object.upn))
                 : noun.kind == kServicePrincipal
                     ? TRY(Store::find_by_app_id(tx, noun.kind, *object.app_id))
                     : std::optional<Object>();
    if (known) return taken(object, noun.kind);
    TRY(Store::add(tx, object));
    if (!password.hash.empty())
      TRY(graph.passwords.set(tx, object.object_id, password.hash, password.must_change));
    if (body["keyCredentials"].is_array())
      TRY(write_certificates(tx, object, body["keyCredentials"]));
    if (noun.kind == kUser && body.find("identities") != nullptr)
      TRY(write_identities(tx, object, body["identities"]));
    TRY(bind(graph, tx, object, body));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "created"));
    return entity(context, noun.collection, TRY(render(graph, tx, object)), 201);
  });
}

Answer get_object(const Graph& graph, const Noun& noun, Context& context) {
  ListOptions options = TRY(list_options(context));
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    std::string_view fragment = noun.collection;
    Json json = selected(TRY(render(graph, reader, object, options)), options.select);
    if (fragment == "directoryObjects")
      json.set("@odata.type", cat({"#microsoft.graph.", object.kind}));
    return entity(context, fragment, json);
  });
}

Answer update_object(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  NewPassword password = TRY(password_in(graph, body));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    bool was_enabled = object.enabled;
    std::optional<std::string> old_upn = object.upn;
    TRY(graph.schema.write(body, object));
    if (!object.enabled && TRY(Store::is_well_known(tx, object)))
      return bad_request("This principal belongs to the server and cannot be disabled.");
    if (object.upn != old_upn) {
      auto other = TRY(Store::find_by_upn(tx, *object.upn));
      if (other && other->object_id != object.object_id) return taken(object, noun.kind);
    }
    TRY(Store::update(tx, object));
    if (noun.kind == kApplication) {
      TRY(check_app_roles(object));
      if (body["identifierUris"].is_array()) TRY(check_identifier_uris(graph, tx, object));
      TRY(follow_application(graph, tx, object));
    }
    if (!password.hash.empty())
      TRY(graph.passwords.set(tx, object.object_id, password.hash, password.must_change));
    bool has_keys = body["keyCredentials"].is_array();
    if (has_keys) TRY(write_certificates(tx, object, body["keyCredentials"]));
    bool has_links = noun.kind == kUser && body.find("identities") != nullptr;
    if (has_links) TRY(write_identities(tx, object, body["identities"]));
    TRY(bind(graph, tx, object, body));
    std::string_view change = was_enabled && !object.enabled ? "disabled"
                              : has_keys || has_links        ? "credentials"
                                                             : "updated";
    TRY(graph.changes.record(tx, object.object_id, object.kind, change));
    return no_content();
  });
}

// An application takes its service principal along, as in Azure.
Answer delete_object(const Graph& graph, const Noun& noun, Context& context) {
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    if (TRY(Store::is_well_known(tx, object)))
      return bad_request("This principal belongs to the server and cannot be deleted.");
    if (object.resource_id) return bad_request("A managed identity is deleted with its resource.");
    if (object.kind == kApplication) {
      auto principal = TRY(Store::find_by_app_id(tx, kServicePrincipal, *object.app_id));
      if (principal) {
        TRY(Store::remove(tx, principal->object_id));
        TRY(graph.changes.record(tx, principal->object_id, principal->kind, "deleted"));
      }
    }
    TRY(Store::remove(tx, object.object_id));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "deleted"));
    return no_content();
  });
}

}  // namespace lazuli::directory
