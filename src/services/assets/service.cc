// SPDX-License-Identifier: Apache-2.0
#include "services/assets/service.h"

#include "base/strings.h"
#include "core/events.h"
#include "services/assets/handlers.h"

namespace lazuli::assets {
namespace {

using http::Method;

constexpr std::string_view kWorkspace =
    "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/"
    "workspaces/{ws}";
constexpr std::string_view kOperations = "Microsoft.MachineLearningServices/workspaces/";
constexpr uint64_t kBodyBytesMax = 4u << 20;

class Service final : public AssetsService {
 public:
  Service(workspace::Workspaces& workspaces, storage::Storage& storage)
      : workspaces_(workspaces), storage_(storage) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "assets";
    manifest.depends_on = {"workspace", "storage"};
    manifest.migrations = Store::migrations();
    for (const KindInfo& kind : all_kinds()) describe_kind(manifest, kind);
  }

  Result<void> start(const core::ServiceContext& context) override {
    registry_ =
        std::make_unique<Registry>(Store(context.db), context.events, workspaces_, storage_);
    context.events.attach(core::kResourceDeleted, context.db,
                          [](db::Tx& tx, const core::Event& event) {
                            return Store::remove_workspaces(tx, event.data["id"].text());
                          });
    return {};
  }
  void stop() noexcept override {}

  Result<AssetVersion> find(std::string_view workspace_id, Kind kind,
                            std::string_view reference) override {
    return registry_->find(workspace_id, kind, reference);
  }

  Result<std::vector<AssetVersion>> list(std::string_view workspace_id, Kind kind) override {
    return registry_->list(workspace_id, kind);
  }

  Result<NewVersion> prepare(NewVersion wanted, const workspace::Authority& authority) override {
    return registry_->prepare(std::move(wanted), authority);
  }

  Result<AssetVersion> register_version(db::Tx& tx, const NewVersion& prepared,
                                        const std::string& by) override {
    return present(TRY(registry_->put(tx, prepared, by)).version);
  }

 private:
  using Function = Answer (*)(Registry&, Kind, Context&);

  void add(core::Manifest& manifest, const KindInfo& kind, Method method, std::string_view below,
           std::string_view operation, std::string_view id, Function function) const {
    manifest
        .add({method, cat({kWorkspace, "/", kind.collection, below}),
              cat({kOperations, kind.collection, operation}), cat({kind.collection, "_", id}),
              cat({id, " of a ", kind.singular, "."})},
             [this, function, which = kind.kind](Context& context) {
               return function(*registry_, which, context);
             })
        .body_bytes_max = kBodyBytesMax;
  }

  void describe_kind(core::Manifest& manifest, const KindInfo& kind) const {
    constexpr std::string_view kVersion = "/{name}/versions/{version}";
    std::string type = cat({kOperations, kind.collection});
    manifest.resource_types.push_back({type, {}, {}});
    manifest.resource_types.push_back({type + "/versions", {}, {}});
    add(manifest, kind, Method::kGet, "", "/read", "List", list_containers);
    add(manifest, kind, Method::kGet, "/{name}", "/read", "Get", get_container);
    add(manifest, kind, Method::kPut, "/{name}", "/write", "CreateOrUpdate", put_container);
    add(manifest, kind, Method::kGet, "/{name}/versions", "/versions/read", "ListVersions",
        list_versions);
    add(manifest, kind, Method::kGet, kVersion, "/versions/read", "GetVersion", get_version);
    add(manifest, kind, Method::kPut, kVersion, "/versions/write", "CreateOrUpdateVersion",
        put_version);
    add(manifest, kind, Method::kDelete, kVersion, "/versions/delete", "DeleteVersion",
        delete_version);
    add(manifest, kind, Method::kPost, cat({kVersion, "/startPendingUpload"}), "/versions/write",
        "CreateOrGetStartPendingUpload", start_pending_upload);
  }

  workspace::Workspaces& workspaces_;
  storage::Storage& storage_;
  std::unique_ptr<Registry> registry_;
};

}  // namespace

std::unique_ptr<AssetsService> make_assets(workspace::Workspaces& workspaces,
                                           storage::Storage& storage) {
  return std::make_unique<Service>(workspaces, storage);
}

}  // namespace lazuli::assets
