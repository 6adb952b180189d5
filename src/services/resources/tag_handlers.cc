// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/tags
#include "base/strings.h"
#include "core/agent.h"
#include "core/arm.h"
#include "core/tags.h"
#include "services/resources/deployment_input.h"
#include "services/resources/deployment_runtime.h"
#include "services/resources/lock_store.h"
#include "services/resources/resource_list.h"
#include "services/resources/scope.h"
#include "services/resources/tags.h"

namespace lazuli::resources {
namespace {

constexpr const char* kAnyVersion = "2024-03-01";

Json tags_json(const std::string& scope, const Json& tags) {
  return Json::object({{"id", cat({scope, "/providers/Microsoft.Resources/tags/default"})},
                       {"name", "default"},
                       {"type", "Microsoft.Resources/tags"},
                       {"properties", Json::object({{"tags", tags}})}});
}

bool is_resource(const std::string& scope) { return scope.find("/providers/") != scope.npos; }

// Who may set tags need not be able to write the resource.
core::Principal tagger(const Context& context, const std::string& scope) {
  return core::server_agent(context.principal(), {{"*/read", "*/write"}, scope});
}

Result<Json> resource_at(const Parts& parts, const std::string& scope) {
  http::Response answer = parts.dispatcher->send(core::server_reader(std::string(kSystem)),
                                                 {.target = target_of(scope, kAnyVersion)});
  if (answer.status >= 300) return error_of(answer);
  return json_of(answer);
}

Result<Json> read_tags(const Parts& parts, const std::string& scope) {
  const Scope found = TRY(find_scope(parts, scope));
  Json tags;
  if (is_resource(scope)) {
    const Json resource = TRY(resource_at(parts, scope));
    tags = resource["tags"];
  } else if (found.kind == templates::ScopeKind::kResourceGroup) {
    tags = found.group_json["tags"];
  } else {
    tags = TRY(parts.lock_store->tags(scope));
  }
  return tags.is_null() ? Json::object() : tags;
}

Result<void> write_tags(const Parts& parts, const Context& context, const std::string& scope,
                        const Json& tags) {
  const Scope found = TRY(find_scope(parts, scope));
  if (is_resource(scope)) {
    http::Response answer = parts.dispatcher->send(
        tagger(context, scope), {.method = http::Method::kPatch,
                                 .target = target_of(scope, kAnyVersion),
                                 .body = Json::object({{"tags", tags}}).dump(),
                                 .headers = {{"Content-Type", "application/json"}}});
    if (answer.status >= 300) return error_of(answer);
    return {};
  }
  if (found.kind != templates::ScopeKind::kResourceGroup)
    return parts.lock_store->put_tags(scope, tags);
  auto group = TRY(parts.store->find(found.subscription, found.group));
  if (!group) return not_found("The resource group is gone.", "ResourceGroupNotFound");
  group->tags = tags;
  TRY(parts.store->put(*group));
  return {};
}

}  // namespace

Answer get_tags(const Parts& parts, Context& context) {
  const std::string& scope = context.param("scope");
  return core::json_response(tags_json(scope, TRY(read_tags(parts, scope))));
}

Answer put_tags(const Parts& parts, Context& context) {
  const std::string& scope = context.param("scope");
  const Json body = TRY(context.json());
  const Json tags = TRY(core::checked_tags(body["properties"]["tags"]));
  TRY(read_tags(parts, scope));
  TRY(write_tags(parts, context, scope, tags));
  return core::json_response(tags_json(scope, tags));
}

Answer patch_tags(const Parts& parts, Context& context) {
  const std::string& scope = context.param("scope");
  const Json body = TRY(context.json());
  const Json before = TRY(read_tags(parts, scope));
  const Json tags = TRY(patched_tags(before, body["properties"]["tags"], body["operation"].str()));
  TRY(write_tags(parts, context, scope, tags));
  return core::json_response(tags_json(scope, tags));
}

Answer delete_tags(const Parts& parts, Context& context) {
  const std::string& scope = context.param("scope");
  TRY(read_tags(parts, scope));
  TRY(write_tags(parts, context, scope, Json::object()));
  return http::Response(200);
}

}  // namespace lazuli::resources
