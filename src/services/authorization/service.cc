// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/service.h"

#include <atomic>

#include "base/ids.h"
#include "services/authorization/rbac.h"
#include "services/authorization/store.h"

namespace lazuli::authorization {
namespace {

using core::Host;
using http::Method;

class Service final : public AuthorizationService {
 public:
  void describe(core::Manifest& manifest) const override {
    manifest.service = "authorization";
    manifest.migrations = Store::migrations();
    describe_missing(manifest);
  }

  Result<void> open(db::Database::Handle handle) override {
    store_ = std::make_unique<Store>(std::move(handle));
    rbac_ = std::make_unique<Rbac>(TRY(Roles::load()), *store_);
    return {};
  }

  Result<void> start(const core::ServiceContext&) override { return {}; }
  void stop() noexcept override {}

  Result<void> assign(db::Tx& tx, const std::string& object_id, const std::string& role_id,
                      const std::string& scope) override {
    TRY(store_->ensure_assignment(tx, {new_uuid(), object_id, role_id, scope}));
    tx.after_commit([this] { rbac_->invalidate(); });
    return {};
  }

  Result<void> assign(const std::string& object_id, const std::string& role_id,
                      const std::string& scope) override {
    return store_->handle().write(
        [&](db::Tx& tx) { return assign(tx, object_id, role_id, scope); });
  }

  uint64_t generation() const override { return rbac_->generation(); }
  core::Authorizer& authorizer() override { return *rbac_; }

 private:
  void describe_missing(core::Manifest& manifest) const {
    const std::string subscription = "/subscriptions/{sub}";
    for (const std::string& scope : {subscription, subscription + "/resourceGroups/{rg}"}) {
      std::string base = scope + "/providers/Microsoft.Authorization/";
      manifest.unimplemented(Host::kManagement, Method::kGet, base + "roleAssignments",
                             "RoleAssignments_List",
                             {"Microsoft.Authorization/roleAssignments/read"});
      manifest.unimplemented(Host::kManagement, Method::kPut, base + "roleAssignments/{name}",
                             "RoleAssignments_Create",
                             {"Microsoft.Authorization/roleAssignments/write"});
      manifest.unimplemented(Host::kManagement, Method::kGet, base + "roleDefinitions",
                             "RoleDefinitions_List",
                             {"Microsoft.Authorization/roleDefinitions/read"});
    }
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<Rbac> rbac_;
};

}  // namespace

std::unique_ptr<AuthorizationService> make_authorization() { return std::make_unique<Service>(); }

}  // namespace lazuli::authorization
