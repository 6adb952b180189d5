// SPDX-License-Identifier: Apache-2.0
#include "server/house.h"

#include "base/files.h"
#include "base/log.h"
#include "bytes/local_store.h"
#include "core/operations_store.h"
#include "core/validate.h"
#include "server/byte_store.h"
#include "server/services.h"
#include "server/setup.h"

namespace lazuli::server {
namespace {

std::vector<core::Manifest> describe(const std::vector<core::Service*>& services) {
  std::vector<core::Manifest> manifests;
  for (core::Service* service : services) service->describe(manifests.emplace_back());
  return manifests;
}

std::vector<db::Migration> all_migrations(const std::vector<core::Manifest>& manifests) {
  std::vector<db::Migration> all = core::operations_migrations();
  auto add = [&](const std::vector<db::Migration>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  add(core::StoredEvents::migrations());
  add(Services::engine_migrations());
  for (const core::Manifest& manifest : manifests) add(manifest.migrations);
  return all;
}

}  // namespace

House::House(const core::Installation& installation, core::Vault& vault)
    : installation_(installation), vault_(vault), disk_guard_(installation.data_dir) {}

House::~House() { stop(); }

identity::Identity& House::identity() { return *services_->identity; }
authorization::Authorization& House::authorization() { return *services_->authorization; }

Result<std::unique_ptr<House>> House::open(const core::Installation& installation,
                                           const SecretBytes& root_key, core::Vault& vault,
                                           const Options& options) {
  std::unique_ptr<House> house(new House(installation, vault));
  TRY(house->open_floors(root_key, options));
  TRY(house->open_services(options));
  return house;
}

Result<void> House::open_floors(const SecretBytes& root_key, const Options& options) {
  db::Options database;
  database.url = options.database_url.empty() ? "sqlite:" + installation_.data_dir + "/state.db"
                                              : options.database_url;
  database.sqlite_vfs = options.sqlite_vfs;
  database_ = TRY(db::Database::open(database));
  bytes_ = TRY(open_bytes(root_key, options));
  caretaker_.emplace(*bytes_);
  operations_ = core::make_operations(database_->handle("core"));
  events_ = core::StoredEvents::create(database_->handle("core"));
  core::AuditOptions audit;
  audit.folder = core::audit_folder(installation_.data_dir);
  audit.keep = std::chrono::hours(24) * std::max(options.audit_days, 1);
  audit_ = TRY(core::open_audit(std::move(audit), vault_));
  http::EgressRules rules;
  rules.parent = options.parent_proxy;
  for (const std::string& text : options.egress_networks)
    rules.networks.push_back(TRY(http::Network::parse(text)));
  egress_ = http::make_egress(std::move(rules));
  return {};
}

Result<std::unique_ptr<bytes::Store>> House::open_bytes(const SecretBytes& root_key,
                                                        const Options& options) {
  if (!options.bytes_url.empty()) return open_byte_store(options.bytes_url, root_key);
  auto files = options.file_layer ? options.file_layer() : bytes::make_posix_file_layer();
  return bytes::open_local(std::move(files), installation_.data_dir + "/bytes", root_key.clone());
}

// Construct → describe → validate → migrate → route.
Result<void> House::open_services(const Options& options) {
  services_ = TRY(Services::create(installation_, *database_));
  manifests_ = describe(services_->all());
  manifests_.insert(manifests_.end(), options.more.begin(), options.more.end());
  TRY(core::validate(manifests_));
  TRY(database_->migrate(all_migrations(manifests_)));
  for (const core::Manifest& manifest : manifests_)
    for (const core::Route& route : manifest.routes) TRY(router_.add(route));
  TRY(services_->directory->open(database_->handle("directory"), vault_, *events_));
  TRY(services_->identity->open(database_->handle("identity"), vault_));
  TRY(services_->authorization->open(database_->handle("authorization")));
  std::vector<core::Guard*> guards = services_->guards();
  guards.push_back(&disk_guard_);
  chain_ =
      std::make_unique<Chain>(installation_, manifests_, router_, services_->authenticators(),
                              services_->authorization->authorizer(), *audit_, std::move(guards));
  TRY(ensure_administrator());
  if (!TRY(services_->directory->is_first_start())) return {};
  return renew_setup_code();
}

Result<void> House::renew_setup_code() {
  return write_setup_code(*services_->directory, installation_.data_dir);
}

Result<void> House::start() {
  std::vector<core::Service*> services = services_->all();
  for (const std::string& name : TRY(core::start_order(manifests_))) {
    for (size_t i = 0; i < services.size(); ++i) {
      if (manifests_[i].service != name) continue;
      core::ServiceContext context{installation_, database_->handle(name),
                                   *bytes_,       services_->authorization->authorizer(),
                                   *operations_,  *events_,
                                   vault_,        *chain_,
                                   *audit_,       services_->resources->groups(),
                                   *egress_};
      if (auto started = services[i]->start(context); !started.ok())
        return with_context("the service " + name + " does not start", started.error());
      started_.push_back(services[i]);
    }
  }
  chain_->open();
  events_->start();
  return {};
}

void House::stop() noexcept {
  if (events_) events_->stop();
  for (auto service = started_.rbegin(); service != started_.rend(); ++service) (*service)->stop();
  started_.clear();
  if (database_) database_->close();
}

// The first service principal: Owner of everything, with the data rights that an Owner lacks. Its
// secret is readable by the data directory's owner alone; `lazuli env` hands it to clients.
Result<void> House::ensure_administrator() {
  identity::Identity& identity = *services_->identity;
  std::string name = "administrator";
  identity::ServicePrincipal principal = TRY(identity.ensure_service_principal(name));
  // Once only: roles that an operator takes away stay away.
  std::string path = installation_.data_dir + "/administrator.json";
  if (file_exists(path)) return {};
  for (std::string_view role : {authorization::kOwnerRole, authorization::kBlobDataOwnerRole})
    TRY(services_->authorization->assign(principal.object_id, std::string(role), "/"));
  SecretString secret = TRY(identity.add_secret(principal.app_id));
  Json file = Json::object({{"clientId", principal.app_id},
                            {"objectId", principal.object_id},
                            {"clientSecret", secret.expose()}});
  return write_file_durably(path, file.dump_pretty());
}

}  // namespace lazuli::server
