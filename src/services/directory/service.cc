// SPDX-License-Identifier: Apache-2.0
#include "services/directory/service.h"

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "crypto/random.h"
#include "services/directory/app_roles.h"
#include "services/directory/changes.h"
#include "services/directory/credential_store.h"
#include "services/directory/graph.h"
#include "services/directory/identities.h"
#include "services/directory/identity_handlers.h"
#include "services/directory/passwords.h"
#include "services/directory/principals.h"
#include "services/directory/provider_handlers.h"
#include "services/directory/routes.h"
#include "services/directory/secrets.h"
#include "services/directory/setup.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

class Service final : public DirectoryService {
 public:
  explicit Service(core::Installation installation) : installation_(std::move(installation)) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "directory";
    manifest.migrations = Store::migrations();
    describe_graph(manifest, [this]() -> const Graph& { return *graph_; });
    describe_identities(manifest, [this]() -> const Graph& { return *graph_; });
    describe_providers(manifest, [this]() -> const Graph& { return *graph_; });
  }

  Result<void> open(db::Database::Handle handle, core::Vault& vault,
                    core::Events& events) override {
    handle_.emplace(std::move(handle));
    changes_ = std::make_unique<Changes>(*handle_, events);
    passwords_ = std::make_unique<Passwords>(*handle_, *changes_);
    secrets_ = std::make_unique<Secrets>(vault);
    external_ = std::make_unique<ExternalAccounts>(*handle_, vault, *changes_);
    setup_ = std::make_unique<Setup>(*handle_, vault);
    graph_.reset(new Graph{installation_, *handle_, *changes_, *passwords_, *secrets_, *external_,
                           *this, Schema(), events, nullptr});
    return {};
  }

  Result<void> start(const core::ServiceContext& context) override {
    if (!handle_) TRY(open(context.db, context.vault, context.events));
    graph_->groups = &context.groups;
    context.events.attach(core::kResourceDeleted, context.db,
                          [this](db::Tx& tx, const core::Event& event) {
                            return remove_below(tx, event.data["id"].text());
                          });
    return {};
  }
  void stop() noexcept override {}

  Result<std::optional<Principal>> find_by_object_id(const std::string& object_id) override {
    return find([&](db::Reader& reader) { return Store::find(reader, object_id); });
  }
  Result<std::optional<Principal>> find_by_app_id(const std::string& app_id) override {
    return find([&](db::Reader& reader) {
      return Store::find_by_app_id(reader, kServicePrincipal, app_id);
    });
  }
  Result<std::optional<Principal>> find_by_upn(const std::string& upn) override {
    return find([&](db::Reader& reader) { return Store::find_by_upn(reader, upn); });
  }
  Result<std::optional<Principal>> find_by_resource_id(const std::string& resource_id) override {
    return find(
        [&](db::Reader& reader) { return Store::find_by_resource_id(reader, resource_id); });
  }

  Result<std::optional<Application>> find_application(const std::string& app_id) override {
    return handle_->read([&](db::Reader& reader) -> Result<std::optional<Application>> {
      auto object = TRY(Store::find_by_app_id(reader, kApplication, app_id));
      if (!object) return std::optional<Application>();
      return std::optional<Application>(application_of(*object));
    });
  }

  Result<std::optional<Application>> find_application_by_uri(const std::string& uri) override {
    return handle_->read([&](db::Reader& reader) -> Result<std::optional<Application>> {
      auto object = TRY(Store::find_by_identifier_uri(reader, uri));
      if (!object) return std::optional<Application>();
      return std::optional<Application>(application_of(*object));
    });
  }
  Result<AppAccess> app_access(const std::string& object_id, const std::string& app_id) override {
    return handle_->read(
        [&](db::Reader& reader) { return directory::app_access(reader, object_id, app_id); });
  }

  Result<Standing> standing(const std::string& object_id) override {
    return changes_->standing(object_id);
  }
  uint64_t generation() const override { return changes_->generation(); }

  Result<bool> verify_client_secret(const std::string& app_id,
                                    const SecretString& secret) override {
    auto hashes = TRY(handle_->read(
        [&](db::Reader& reader) { return CredentialStore::secret_hashes(reader, app_id, now()); }));
    return secrets_->matches(hashes, app_id, secret);
  }
  Result<std::vector<Certificate>> certificates(const std::string& app_id) override {
    return handle_->read(
        [&](db::Reader& reader) { return CredentialStore::certificates(reader, app_id, now()); });
  }
  Result<std::vector<FederatedCredential>> federated_credentials(
      const std::string& app_id) override {
    return handle_->read(
        [&](db::Reader& reader) { return CredentialStore::federations(reader, app_id); });
  }

  Result<PasswordAnswer> verify_password(const std::string& upn,
                                         const SecretString& password) override {
    return passwords_->verify(upn, password);
  }
  Result<PasswordVerdict> change_password(const std::string& upn, const SecretString& old,
                                          const SecretString& fresh) override {
    return passwords_->change(upn, old, fresh);
  }
  Result<std::string> hash_password(const SecretString& password) override {
    return passwords_->hash(password);
  }
  Result<void> set_password(db::Tx& tx, const std::string& object_id,
                            const std::string& password_hash, bool must_change) override {
    return passwords_->set(handle_->join(tx), object_id, password_hash, must_change);
  }

  Result<Principal> ensure_service_principal(const std::string& name) override {
    Object application = new_application(name);
    Object principal = new_service_principal(*application.app_id, name);
    return handle_->write([&](db::Tx& tx) -> Result<Principal> {
      auto known = TRY(Store::find_well_known(tx, name));
      if (known) return principal_of(*known);
      TRY(Store::add(tx, application));
      TRY(Store::add(tx, principal));
      TRY(Store::add_well_known(tx, name, principal.object_id));
      TRY(changes_->record(tx, principal.object_id, principal.kind, "created"));
      return principal_of(principal);
    });
  }

  Result<NewSecret> add_secret(const std::string& app_id, const std::string& name) override {
    return handle_->write([&](db::Tx& tx) -> Result<NewSecret> {
      auto holder = TRY(Store::find_by_app_id(tx, kApplication, app_id));
      if (!holder) holder = TRY(Store::find_by_app_id(tx, kServicePrincipal, app_id));
      if (!holder) return not_found("there is no application " + app_id);
      MadeSecret made = secrets_->make(*holder, {name, now(), now() + kSecretLifetime});
      TRY(CredentialStore::add_secret(tx, made.kept));
      TRY(changes_->record(tx, holder->object_id, holder->kind, "credentials"));
      return NewSecret{made.kept.key_id, std::move(made.text)};
    });
  }

  Result<Json> assign_identity(db::Tx& caller, const std::string& resource_id,
                               const WantedIdentity& wanted) override {
    return lazuli::directory::assign_identity(
        {handle_->join(caller), *changes_, installation_.tenant_id}, resource_id, wanted);
  }

  Result<void> end_sessions(db::Tx& caller, const std::string& object_id) override {
    return change(caller, object_id, "sessions", [&](db::Tx& tx, const std::string& id) {
      return Store::set_not_before(tx, id, now());
    });
  }
  Result<void> set_enabled(db::Tx& caller, const std::string& object_id, bool enabled) override {
    return change(
        caller, object_id, enabled ? "updated" : "disabled",
        [&](db::Tx& tx, const std::string& id) { return Store::set_enabled(tx, id, enabled); });
  }
  Result<void> remove(db::Tx& caller, const std::string& object_id) override {
    return change(caller, object_id, "deleted",
                  [&](db::Tx& tx, const std::string& id) { return Store::remove(tx, id); });
  }

  Result<bool> is_first_start() override { return setup_->is_first_start(); }
  Result<SecretString> make_setup_code() override { return setup_->make_code(); }
  Result<void> check_setup_code(const SecretString& code) override { return setup_->check(code); }
  Result<Principal> redeem_setup_code(db::Tx& caller, const SecretString& code,
                                      const FirstPerson& person) override {
    db::Tx& tx = handle_->join(caller);
    TRY(setup_->redeem(tx, code));
    TRY(check_upn(person.upn));
    Object user = new_object(kUser, person.name.empty() ? person.upn : person.name);
    user.upn = person.upn;
    TRY(check_name(user.name, "displayName"));
    TRY(Store::add(tx, user));
    TRY(passwords_->set(tx, user.object_id, person.password_hash, false));
    TRY(changes_->record(tx, user.object_id, user.kind, "created"));
    return principal_of(user);
  }

  Result<std::vector<IdentityProvider>> identity_providers() override {
    return external_->providers();
  }
  Result<SecretString> provider_secret(const std::string& provider_id) override {
    return external_->provider_secret(provider_id);
  }
  Result<ExternalAnswer> external_person(const IdentityProvider& provider,
                                         const ExternalAccount& account) override {
    return external_->person(provider, account);
  }

 private:
  // Managed identities end with their resources.
  Result<void> remove_below(db::Tx& tx, const std::string& resource_id) {
    for (const Object& each : TRY(Store::principals_below(tx, resource_id))) {
      TRY(Store::remove(tx, each.object_id));
      TRY(changes_->record(tx, each.object_id, each.kind, "deleted"));
    }
    return {};
  }

  static constexpr Duration kSecretLifetime = std::chrono::hours(24 * 730);

  template <typename Look>
  Result<std::optional<Principal>> find(Look look) {
    return handle_->read([&](db::Reader& reader) -> Result<std::optional<Principal>> {
      return principal_of(TRY(look(reader)));
    });
  }

  template <typename Act>
  Result<void> change(db::Tx& caller, const std::string& object_id, std::string_view what,
                      Act act) {
    db::Tx& tx = handle_->join(caller);
    auto object = TRY(Store::find(tx, object_id));
    if (!object) return not_found("the directory has no object " + object_id);
    TRY(act(tx, object->object_id));
    return changes_->record(tx, object->object_id, object->kind, what);
  }

  const core::Installation installation_;
  std::optional<db::Database::Handle> handle_;
  std::unique_ptr<Changes> changes_;
  std::unique_ptr<Passwords> passwords_;
  std::unique_ptr<Secrets> secrets_;
  std::unique_ptr<ExternalAccounts> external_;
  std::unique_ptr<Setup> setup_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace

std::unique_ptr<DirectoryService> make_directory(const core::Installation& installation) {
  return std::make_unique<Service>(installation);
}

std::vector<db::Migration> directory_migrations() { return Store::migrations(); }

Result<std::unique_ptr<DirectoryOfTests>> open_directory(db::Database::Handle handle,
                                                         core::Vault& vault, core::Events& events) {
  auto opened = make_directory({});
  TRY(opened->open(std::move(handle), vault, events));
  return std::unique_ptr<DirectoryOfTests>(std::move(opened));
}

}  // namespace lazuli::directory
