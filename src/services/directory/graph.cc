// SPDX-License-Identifier: Apache-2.0
#include "services/directory/graph.h"

#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

std::string metadata(const Context& context, std::string_view fragment) {
  const std::string& version = context.param("version");
  return context.url("graph", cat({"/", version, "/$metadata#", fragment}));
}

}  // namespace

Error no_such_object(std::string_view key) {
  return not_found(cat({"Resource '", key.substr(0, 256),
                        "' does not exist or one of its queried reference-property objects are not "
                        "present."}),
                   "Request_ResourceNotFound");
}

Error bad_request(std::string message) {
  return invalid_argument(std::move(message), "Request_BadRequest");
}

Result<Object> object_of(const Graph&, db::Executor& db, const Noun& noun, Context& context) {
  std::optional<Object> found;
  std::string key = context.param("id");
  if (const std::string& app_id = context.param("app_id"); !app_id.empty()) {
    key = app_id;
    found = TRY(Store::find_by_app_id(db, noun.kind, app_id));
  } else if (key.empty()) {
    key = context.principal().object_id();
    found = TRY(Store::find(db, key));
    if (!found || found->kind != kUser)
      return bad_request("/me request is only valid with delegated authentication flow.");
    return *found;
  } else if (is_uuid(key)) {
    found = TRY(Store::find(db, key));
  } else if (noun.kind == kUser) {
    found = TRY(Store::find_by_upn(db, key));
  }
  if (!found || (!noun.kind.empty() && found->kind != noun.kind)) return no_such_object(key);
  return *found;
}

Json render_plain(const Graph& graph, const Object& object) {
  return graph.schema.read(object, graph.installation.tenant_id);
}

Result<Json> render(const Graph& graph, db::Executor& db, const Object& object,
                    const ListOptions& options) {
  Json json = render_plain(graph, object);
  if (object.kind == kApplication || object.kind == kServicePrincipal) {
    json.set("keyCredentials", TRY(certificates_json(db, object)));
    json.set("passwordCredentials", TRY(secrets_json(db, object)));
  }
  if (object.kind == kUser && options.concerns("identities"))
    json.set("identities", TRY(identities_json(db, object, graph.installation.domain)));
  return json;
}

http::Response entity(const Context& context, std::string_view fragment, const Json& object,
                      int status) {
  Json::Object members = {{"@odata.context", metadata(context, cat({fragment, "/$entity"}))}};
  for (const Json::Member& member : object.members()) members.push_back(member);
  return core::json_response(Json::object(std::move(members)), status);
}

http::Response collection(const Context& context, std::string_view fragment, Json::Array items,
                          const std::string& next) {
  Json json = Json::object({{"@odata.context", metadata(context, fragment)}});
  if (!next.empty()) json.set("@odata.nextLink", next);
  json.set("value", Json::array(std::move(items)));
  return core::json_response(json);
}

// The skip token counts: what a relation holds is read whole.
Answer mixed(const Graph& graph, const Context& context, const std::vector<Object>& objects) {
  ListOptions options = TRY(list_options(context));
  size_t skip =
      static_cast<size_t>(std::max<int64_t>(0, parse_int(options.skip_token).value_or(0)));
  Json::Array items;
  size_t matched = 0;
  bool more = false;
  for (const Object& object : objects) {
    Json json = Json::object({{"@odata.type", cat({"#microsoft.graph.", object.kind})}});
    const Json plain = render_plain(graph, object);
    for (const Json::Member& member : plain.members()) json.set(member.key, member.value);
    if (options.filter && !options.filter->matches(json)) continue;
    if (matched++ < skip) continue;
    if (items.size() == options.top) {
      more = true;
      break;
    }
    items.push_back(selected(std::move(json), options.select));
  }
  std::string next = more ? next_page(context, std::to_string(skip + options.top)) : "";
  return collection(context, "directoryObjects", std::move(items), next);
}

http::Response no_content() { return http::Response(204); }

}  // namespace lazuli::directory
