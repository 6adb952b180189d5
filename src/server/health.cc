// SPDX-License-Identifier: Apache-2.0
#include "server/health.h"

#include "core/arm.h"
#include "core/dispatch.h"
#include "server/route_list.h"

namespace lazuli::server {
namespace {

class Health final : public core::Service {
 public:
  Health(const core::Installation& installation, std::string isolation)
      : installation_(installation), isolation_(std::move(isolation)) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "health";
    core::Route route;
    route.host = core::Host::kPlain;
    route.path = "/health";
    route.anonymous = true;
    route.pool = http::Pool::kInline;
    route.operation_id = "Health_Get";
    route.summary = "Whether the server is ready.";
    route.handler = [this](core::RequestContext&) -> Result<http::Response> {
      return core::json_response(Json::object(
          {{"status", "ready"}, {"domain", installation_.domain}, {"isolation", isolation_}}));
    };
    manifest.routes.push_back(std::move(route));
    manifest.routes.push_back(list_of_routes());
  }
  Result<void> start(const core::ServiceContext& context) override {
    dispatcher_ = &context.dispatcher;
    return {};
  }
  void stop() noexcept override {}

 private:
  // What this server serves, for those who may read what providers offer.
  core::Route list_of_routes() const {
    core::Route route;
    route.host = core::Host::kPlain;
    route.path = "/routes";
    route.operation = {"Microsoft.Authorization/providerOperations/read"};
    route.scope = [](const core::RequestContext&) { return Result<std::string>("/"); };
    route.operation_id = "Routes_List";
    route.summary = "Lists every route with its permission.";
    route.handler = [this](core::RequestContext&) -> Result<http::Response> {
      return core::json_response(Json::object({{"value", route_list(dispatcher_->manifests())}}));
    };
    return route;
  }

  const core::Installation& installation_;
  std::string isolation_;
  core::Dispatcher* dispatcher_ = nullptr;  // set by start()
};

}  // namespace

std::unique_ptr<core::Service> make_health(const core::Installation& installation,
                                           std::string isolation) {
  return std::make_unique<Health>(installation, std::move(isolation));
}

}  // namespace lazuli::server
