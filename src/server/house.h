// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bytes/bytes.h"
#include "bytes/caretaker.h"
#include "bytes/file_layer.h"
#include "core/audit.h"
#include "core/events_store.h"
#include "core/operations.h"
#include "core/router.h"
#include "core/service.h"
#include "core/vault.h"
#include "db/db.h"
#include "http/egress.h"
#include "server/chain.h"
#include "server/disk_guard.h"

namespace lazuli::authorization {
class Authorization;
}

namespace lazuli::identity {
class Identity;
}

namespace lazuli::server {

struct Services;

// All floors, engines and services of one server, wired by explicit lists (services.cc). open()
// describes, validates and migrates; start() begins work; stop() ends it in reverse order.
class House {
 public:
  struct Options {
    std::string database_url;  // empty: SQLite in the data directory
    std::string bytes_url;     // empty: in the data directory (server/byte_store.h)
    int audit_days = 400;
    std::vector<std::string> egress_networks;  // opened to connections that users ask for
    std::string parent_proxy;                  // "host:port" for the others; empty: direct
    std::vector<core::Manifest> more;          // routes beside the services' own
    // Crash tests put their own disks below the database and the stored bytes.
    std::string sqlite_vfs;
    std::function<std::unique_ptr<bytes::FileLayer>()> file_layer;
  };
  static Result<std::unique_ptr<House>> open(const core::Installation& installation,
                                             const SecretBytes& root_key, core::Vault& vault,
                                             const Options& options);
  ~House();

  Result<void> start();
  void stop() noexcept;
  // Of the first person (server/setup.h); what code there was is void.
  Result<void> renew_setup_code();

  const std::vector<core::Manifest>& manifests() const { return manifests_; }

  Chain& chain() { return *chain_; }
  identity::Identity& identity();
  authorization::Authorization& authorization();

 private:
  House(const core::Installation& installation, core::Vault& vault);
  Result<std::unique_ptr<bytes::Store>> open_bytes(const SecretBytes& root_key,
                                                   const Options& options);
  Result<void> open_floors(const SecretBytes& root_key, const Options& options);
  Result<void> open_services(const Options& options);
  Result<void> ensure_administrator();

  const core::Installation& installation_;
  core::Vault& vault_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<bytes::Store> bytes_;
  std::optional<bytes::Caretaker> caretaker_;  // of bytes_
  std::unique_ptr<core::Operations> operations_;
  std::unique_ptr<core::StoredEvents> events_;
  std::unique_ptr<core::Audit> audit_;
  std::unique_ptr<http::Egress> egress_;
  std::unique_ptr<Services> services_;
  std::vector<core::Manifest> manifests_;
  std::vector<core::Service*> started_;
  core::Router router_;
  DiskGuard disk_guard_;
  std::unique_ptr<Chain> chain_;
};

}  // namespace lazuli::server
