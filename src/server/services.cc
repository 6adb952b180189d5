// SPDX-License-Identifier: Apache-2.0
#include "server/services.h"

#include "server/health.h"
#include "services/resources/service.h"

namespace lazuli::server {

Services::Services(const core::Installation& installation) {
  identity = identity::make_identity(installation);
  resources = resources::make_resources(installation);
  health = make_health(installation, "");
}

Services::~Services() = default;

std::vector<core::Service*> Services::all() {
  return {identity.get(), resources.get(), health.get()};
}

Authenticators Services::authenticators() {
  return {&identity->bearer_authenticator(), nullptr, nullptr, nullptr};
}

std::vector<db::Migration> Services::engine_migrations() { return {}; }

Result<void> Services::open_engines(db::Database&) { return {}; }
Result<void> Services::start_engines() { return {}; }
void Services::stop_engines() noexcept {}

}  // namespace lazuli::server
