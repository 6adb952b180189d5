// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "core/arm.h"
#include "services/assets/handlers.h"

namespace lazuli::assets {
namespace {

Json present(const std::string& workspace, Kind kind, const Container& container) {
  Json properties = Json::object({{"description", container.description},
                                  {"tags", container.tags},
                                  {"properties", Json::object()},
                                  {"isArchived", container.archived},
                                  {"latestVersion", container.latest_version},
                                  {"nextVersion", container.next_version},
                                  {"provisioningState", "Succeeded"}});
  std::string id = cat({workspace, "/", info(kind).collection, "/", container.name});
  return core::arm_envelope(id, container.system_data, std::move(properties));
}

Result<Container> find(Registry& registry, Kind kind, const VersionKey& key) {
  auto container = TRY(registry.store().container(key.workspace, kind, key.name));
  if (!container)
    return not_found(
        cat({"There is no ", info(kind).singular, " '", key.name, "' in this workspace."}),
        "ResourceNotFound");
  return *container;
}

}  // namespace

Answer get_container(Registry& registry, Kind kind, Context& context) {
  VersionKey key = key_of(kind, context);
  key.workspace = TRY(registry.workspaces().get(key.workspace)).arm_id;
  return core::json_response(present(key.workspace, kind, TRY(find(registry, kind, key))));
}

// Archives or restores a whole asset; clients send back what they read.
Answer put_container(Registry& registry, Kind kind, Context& context) {
  VersionKey key = key_of(kind, context);
  key.workspace = TRY(registry.workspaces().get(key.workspace)).arm_id;
  Json properties = TRY(context.json())["properties"];
  Json tags = properties["tags"].is_object() ? properties["tags"] : Json::object();
  TRY(find(registry, kind, key));
  TRY(registry.store().set_container(key.workspace, kind, key.name, tags,
                                     properties["description"].text(),
                                     properties["isArchived"].boolean()));
  return core::json_response(present(key.workspace, kind, TRY(find(registry, kind, key))));
}

Answer list_containers(Registry& registry, Kind kind, Context& context) {
  std::string workspace = TRY(registry.workspaces().get(context.workspace_id())).arm_id;
  core::Page page = TRY(core::page_of(context));
  Json::Array items;
  for (const Container& container :
       TRY(registry.store().containers(workspace, kind, TRY(view_of(context)), page)))
    items.push_back(present(workspace, kind, container));
  bool full = items.size() == page.top;
  return core::json_response(
      core::arm_list(std::move(items), full ? core::next_link(context, page) : ""));
}

}  // namespace lazuli::assets
