// SPDX-License-Identifier: Apache-2.0
#include "services/endpoints/service.h"

#include "base/strings.h"
#include "core/events.h"
#include "services/endpoints/handlers.h"

namespace lazuli::endpoints {
namespace {

using http::Method;

constexpr std::string_view kEndpoints =
    "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/"
    "workspaces/{ws}/onlineEndpoints";
constexpr std::string_view kPermissions =
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/";
constexpr uint64_t kScoreBytesMax = 64u << 20;
// A model this quick is scored where the request arrived: a hop to a pool would cost more.
constexpr int64_t kInlineMaxNs = 150'000;

// Stands before the manager exists; then asks its routing.
class LateAuthenticator final : public core::Authenticator {
 public:
  void set(const Routing* routing) {
    keys_ = routing ? std::make_unique<KeyAuthenticator>(*routing) : nullptr;
  }
  bool present(const http::RequestHead& head) const override {
    return keys_ && keys_->present(head);
  }
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view audience) override {
    if (!keys_) return unavailable("the server is starting");
    return keys_->verify(head, audience);
  }

 private:
  std::unique_ptr<KeyAuthenticator> keys_;
};

class Service final : public EndpointsService {
 public:
  explicit Service(const Peers& peers) : peers_(peers) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "endpoints";
    manifest.depends_on = {"workspace", "assets", "storage", "identity", "directory"};
    manifest.migrations = Store::migrations();
    manifest.resource_types = {
        {"Microsoft.MachineLearningServices/workspaces/onlineEndpoints", {}, {}},
        {"Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments", {}, {}}};
    describe_endpoints(manifest);
    describe_deployments(manifest);
    describe_scoring(manifest);
  }

  Result<void> start(const core::ServiceContext& context) override {
    manager_ = std::make_unique<Manager>(Store(context.db), peers_, context);
    context.events.attach(core::kResourceDeleted, context.db,
                          [made = manager_.get()](db::Tx& tx, const core::Event& event) {
                            return made->remove_at(tx, event.data["id"].text());
                          });
    TRY(manager_->start());
    authenticator_.set(&manager_->routing());
    return {};
  }

  void stop() noexcept override {
    if (manager_) manager_->stop();
  }

  core::Authenticator& key_authenticator() override { return authenticator_; }

 private:
  using Function = Answer (*)(Manager&, Context&);

  core::Route& add(core::Manifest& manifest, Method method, std::string_view below,
                   std::string_view permission, std::string_view id, Function function) const {
    core::Handler handler;
    if (function != nullptr)
      handler = [this, function](Context& context) { return function(*manager_, context); };
    return manifest.add(
        {method, cat({kEndpoints, below}), cat({kPermissions, permission}), std::string(id)},
        std::move(handler));
  }

  void describe_endpoints(core::Manifest& manifest) const {
    constexpr std::string_view kOne = "/{endpoint}";
    add(manifest, Method::kGet, "", "read", "OnlineEndpoints_List", list_endpoints);
    add(manifest, Method::kGet, kOne, "read", "OnlineEndpoints_Get", get_endpoint);
    add(manifest, Method::kPut, kOne, "write", "OnlineEndpoints_CreateOrUpdate", put_endpoint);
    add(manifest, Method::kPatch, kOne, "write", "OnlineEndpoints_Update", nullptr);
    add(manifest, Method::kDelete, kOne, "delete", "OnlineEndpoints_Delete", delete_endpoint);
    add(manifest, Method::kPost, "/{endpoint}/listKeys", "listkeys/action",
        "OnlineEndpoints_ListKeys", list_keys);
    add(manifest, Method::kPost, "/{endpoint}/regenerateKeys", "regeneratekeys/action",
        "OnlineEndpoints_RegenerateKeys", regenerate_keys);
    add(manifest, Method::kPost, "/{endpoint}/token", "token/action", "OnlineEndpoints_GetToken",
        create_token);
  }

  void describe_deployments(core::Manifest& manifest) const {
    constexpr std::string_view kAll = "/{endpoint}/deployments";
    constexpr std::string_view kOne = "/{endpoint}/deployments/{deployment}";
    add(manifest, Method::kGet, kAll, "deployments/read", "OnlineDeployments_List",
        list_deployments);
    add(manifest, Method::kGet, kOne, "deployments/read", "OnlineDeployments_Get", get_deployment);
    add(manifest, Method::kPut, kOne, "deployments/write", "OnlineDeployments_CreateOrUpdate",
        put_deployment);
    add(manifest, Method::kPatch, kOne, "deployments/write", "OnlineDeployments_Update", nullptr);
    add(manifest, Method::kDelete, kOne, "deployments/delete", "OnlineDeployments_Delete",
        delete_deployment);
    add(manifest, Method::kPost, cat({kOne, "/getLogs"}), "deployments/getlogs/action",
        "OnlineDeployments_GetLogs", get_logs);
    add(manifest, Method::kGet, cat({kOne, "/skus"}), "deployments/skus/read",
        "OnlineDeployments_ListSkus", nullptr);
  }

  core::Route& add_scoring(core::Manifest& manifest, Method method, std::string_view path,
                           std::string_view id, Function function) const {
    core::Route& route = add(manifest, method, "", "score/action", id, function);
    route.host = core::Host::kInference;
    route.path = path;
    route.credentials = {core::Credential::kEndpointKey, core::Credential::kMlToken};
    route.pool = http::Pool::kInference;
    route.errors = core::ErrorShape::kScoring;
    route.body_bytes_max = kScoreBytesMax;
    route.scope = [this](const Context& context) -> Result<std::string> {
      auto target = manager_->routing().find(endpoint_of(context.head().host));
      if (!target) return not_found("The endpoint does not exist.");
      return target->arm_id;
    };
    return route;
  }

  void describe_scoring(core::Manifest& manifest) const {
    core::Route& route = add_scoring(manifest, Method::kPost, "/score", "Score", score);
    route.place = [this](const http::RequestHead& head) { return place(head); };
    add_scoring(manifest, Method::kGet, "/swagger.json", "Swagger_Get", nullptr);
  }

  // Only a key is verified without touching the database.
  http::Pool place(const http::RequestHead& head) const {
    if (!manager_ || head.content_length.value_or(kInlineBytesMax + 1) > kInlineBytesMax)
      return http::Pool::kInference;
    auto target = manager_->routing().find(endpoint_of(head.host));
    if (!target || target->auth_mode != "Key") return http::Pool::kInference;
    for (const auto& [name, lane] : target->lanes) {
      int64_t mean = lane->mean_ns.load(std::memory_order_relaxed);
      if (mean == 0 || mean > kInlineMaxNs) return http::Pool::kInference;
    }
    return http::Pool::kInline;
  }

  static constexpr uint64_t kInlineBytesMax = 64 * 1024;
  Peers peers_;
  LateAuthenticator authenticator_;
  std::unique_ptr<Manager> manager_;
};

}  // namespace

std::unique_ptr<EndpointsService> make_endpoints(workspace::Workspaces& workspaces,
                                                 assets::Assets& assets, storage::Storage& storage,
                                                 identity::Identity& identity,
                                                 directory::Identities& identities,
                                                 inference::Engine& inference) {
  return std::make_unique<Service>(
      Peers{workspaces, assets, storage, identity, identities, inference});
}

}  // namespace lazuli::endpoints
