// SPDX-License-Identifier: Apache-2.0
#include "server/health.h"

#include "core/arm.h"

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
  }
  Result<void> start(const core::ServiceContext&) override { return {}; }
  void stop() noexcept override {}

 private:
  const core::Installation& installation_;
  std::string isolation_;
};

}  // namespace

std::unique_ptr<core::Service> make_health(const core::Installation& installation,
                                           std::string isolation) {
  return std::make_unique<Health>(installation, std::move(isolation));
}

}  // namespace lazuli::server
