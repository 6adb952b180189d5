// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "core/arm.h"
#include "core/events.h"
#include "services/assets/handlers.h"

namespace lazuli::assets {
namespace {

// A stored blob address keeps the host name of the request that brought it; the port is the
// asker's.
std::string with_port_of(const Context& context, std::string_view uri) {
  size_t begin = uri.find(".core." + context.domain());
  if (!istarts_with(uri, "https://") || begin == std::string_view::npos) return std::string(uri);
  size_t host_end = begin + 6 + context.domain().size();
  size_t path = uri.find('/', host_end);
  std::string_view rest = path == std::string_view::npos ? "" : uri.substr(path);
  return cat({uri.substr(0, host_end), context.port_suffix(), rest});
}

Json present(const Context& context, const StoredVersion& stored) {
  Json properties = stored.properties;
  std::string_view uri = info(stored.key.kind).uri;
  if (!uri.empty()) properties.set(uri, with_port_of(context, properties[uri].str()));
  return core::arm_envelope(version_id(stored.key), stored.system_data, std::move(properties));
}

}  // namespace

VersionKey key_of(Kind kind, const Context& context) {
  return {context.workspace_id(), kind, context.param("name"), context.param("version")};
}

Result<View> view_of(const Context& context) {
  std::string_view text = context.query_or("listViewType", "ActiveOnly");
  if (iequals(text, "ActiveOnly")) return View::kActive;
  if (iequals(text, "ArchivedOnly")) return View::kArchived;
  if (iequals(text, "All")) return View::kAll;
  return invalid_argument("listViewType must be ActiveOnly, ArchivedOnly or All",
                          "InvalidQueryParameterValue");
}

Answer get_version(Registry& registry, Kind kind, Context& context) {
  TRY(registry.workspaces().get(context.workspace_id()));
  StoredVersion version = TRY(registry.get(key_of(kind, context)));
  return core::json_response(present(context, version));
}

Answer put_version(Registry& registry, Kind kind, Context& context) {
  VersionKey key = key_of(kind, context);
  Json body = TRY(context.json());
  NewVersion wanted{TRY(registry.workspaces().get(key.workspace)).arm_id, kind, key.name,
                    key.version, body["properties"]};
  const core::Principal& caller = context.principal();
  wanted = TRY(registry.prepare(std::move(wanted), workspace::Authority::of(caller)));
  auto stored = TRY(registry.store().handle().write(
      [&](db::Tx& tx) { return registry.put(tx, wanted, caller.name()); }));
  return core::json_response(present(context, stored.version), stored.created ? 201 : 200);
}

Answer list_versions(Registry& registry, Kind kind, Context& context) {
  VersionKey key = key_of(kind, context);
  TRY(registry.workspaces().get(key.workspace));
  core::Page page = TRY(core::page_of(context));
  std::vector<StoredVersion> found;
  // The name is new with every upload: the content hash is looked up across the workspace.
  if (auto hash = context.query("hash"); hash && kind == Kind::kCode)
    found = TRY(registry.store().codes_by_hash(key.workspace, std::string(*hash)));
  else
    found =
        TRY(registry.store().versions(key.workspace, kind, key.name, TRY(view_of(context)), page));
  Json::Array items;
  for (const StoredVersion& version : found) items.push_back(present(context, version));
  bool full = items.size() == page.top && !context.query("$top");
  return core::json_response(
      core::arm_list(std::move(items), full ? core::next_link(context, page) : ""));
}

Answer delete_version(Registry& registry, Kind kind, Context& context) {
  TRY(registry.workspaces().get(context.workspace_id()));
  bool gone = TRY(registry.store().remove(key_of(kind, context), [&](db::Tx& tx) {
    return core::publish_deleted(registry.events(), tx, context.arm_id());
  }));
  return http::Response(gone ? 200 : 204);
}

}  // namespace lazuli::assets
