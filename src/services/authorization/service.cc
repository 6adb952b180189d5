// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/service.h"

#include "base/ids.h"
#include "base/strings.h"
#include "services/authorization/routes.h"
#include "services/authorization/scope.h"

namespace lazuli::authorization {
namespace {

class Service final : public AuthorizationService {
 public:
  Service(const core::Installation& installation, directory::Directory* directory)
      : parts_{installation, directory, nullptr, nullptr, nullptr} {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "authorization";
    if (parts_.directory != nullptr) manifest.depends_on = {"directory"};
    manifest.migrations = Store::migrations();
    for (std::string_view type : {"roleAssignments", "roleDefinitions", "denyAssignments"})
      manifest.resource_types.push_back({cat({"Microsoft.Authorization/", type}),
                                         {"2022-04-01", "2022-05-01-preview", "2018-01-01-preview"},
                                         {}});
    manifest.resource_types.push_back(
        {"Microsoft.Management/managementGroups", {"2020-05-01"}, {}});
    describe_routes(manifest, parts_);
  }

  Result<void> open(db::Database::Handle handle) override {
    parts_.built_in = TRY(BuiltInRoles::load());
    parts_.store = std::make_unique<Store>(std::move(handle));
    parts_.rbac = std::make_unique<Rbac>(*parts_.built_in, parts_.installation.tenant_id,
                                         *parts_.store, parts_.directory);
    return seed_roles();
  }

  Result<void> start(const core::ServiceContext& context) override {
    if (!parts_.store) TRY(open(context.db));
    parts_.events = &context.events;
    context.events.attach(core::kResourceDeleted, context.db,
                          [this](db::Tx& tx, const core::Event& event) {
                            return remove_below(tx, event.data["id"].text());
                          });
    if (parts_.directory == nullptr) return {};
    context.events.subscribe("directory.changed", "authorization.principals", context.db,
                             [this](db::Tx& tx, const core::Event& event) -> Result<void> {
                               if (event.data["change"].str() != "deleted") return {};
                               return remove_assignments_of(tx, event.data["objectId"].text());
                             });
    return {};
  }
  void stop() noexcept override {}

  Result<void> assign(db::Tx& tx, const std::string& object_id, const std::string& role_id,
                      const std::string& scope, const std::string& principal_type) override {
    RoleAssignment assignment;
    assignment.name = new_uuid();
    assignment.principal_id = to_lower(object_id);
    assignment.role_id = to_lower(role_id);
    assignment.scope = TRY(checked_scope(scope));
    assignment.principal_type = principal_type;
    assignment.stamp.created = assignment.stamp.updated = now();
    if (TRY(parts_.store->find_same(tx, assignment))) return {};
    TRY(parts_.store->insert_assignment(tx, assignment));
    return parts_.changed(tx, "roleAssignment", assignment.scope, assignment.name);
  }

  Result<void> assign(const std::string& object_id, const std::string& role_id,
                      const std::string& scope) override {
    std::string type = "ServicePrincipal";
    if (parts_.directory != nullptr)
      if (auto found = TRY(parts_.directory->find_by_object_id(object_id)))
        type = directory::to_string(found->kind);
    return parts_.store->handle().write(
        [&](db::Tx& tx) { return assign(tx, object_id, role_id, scope, type); });
  }

  Result<bool> holds_within(const std::string& object_id, const std::string& scope) override {
    auto policy = TRY(parts_.rbac->policy());
    auto groups = TRY(parts_.rbac->groups_of(object_id));
    return policy->holds_within(object_id, groups ? *groups : std::vector<std::string>(), scope);
  }

  core::Authorizer& authorizer() override { return *parts_.rbac; }

 private:
  Result<void> remove_assignments_of(db::Tx& tx, const std::string& object_id) {
    if (TRY(parts_.store->remove_assignments_of(tx, to_lower(object_id))) == 0) return {};
    return parts_.changed(tx, "roleAssignment", "/", object_id);
  }

  Result<void> remove_below(db::Tx& tx, const std::string& scope) {
    if (TRY(parts_.store->remove_below(tx, scope)) == 0) return {};
    return parts_.changed(tx, "roleAssignment", scope, {});
  }

  Result<void> seed_roles() {
    std::vector<RoleDefinition> roles = TRY(product_roles());
    return parts_.store->handle().write([&](db::Tx& tx) -> Result<void> {
      for (RoleDefinition& role : roles) {
        role.stamp.created = role.stamp.updated = now();
        if (!TRY(parts_.store->mark_seeded(tx, role.id))) continue;
        if (TRY(parts_.store->name_is_taken(tx, role.name, role.id))) continue;
        TRY(parts_.store->put_role(tx, role));
      }
      tx.after_commit([this] { parts_.rbac->invalidate(); });
      return {};
    });
  }

  // Handlers hold a reference while describe() is const.
  mutable Parts parts_;
};

}  // namespace

std::unique_ptr<AuthorizationService> make_authorization(const core::Installation& installation,
                                                         directory::Directory* directory) {
  return std::make_unique<Service>(installation, directory);
}

}  // namespace lazuli::authorization
