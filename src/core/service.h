// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "bytes/bytes.h"
#include "core/auth.h"
#include "core/manifest.h"
#include "db/db.h"

namespace lazuli::http {
class Egress;
}

namespace lazuli::core {

class Audit;
class Dispatcher;
class Operations;
class Events;
class ResourceGroups;
class Vault;

// What every installation has from the first start on.
struct Installation {
  std::string data_dir;
  std::string domain;      // "lazuli.localhost"
  std::string region;      // "local"
  std::string cloud_name;  // "Lazuli"
  std::string tenant_id;   // GUIDs, made once
  std::string subscription_id;
  std::string resource_group;   // "lazuli"
  std::string workspace;        // "main"
  std::string storage_account;  // "lazuli" + random letters
  std::string executable;       // path of this binary, for job supervisors
  std::string ca_bundle;        // PEM: local CA and the system's authorities
  std::string relay_socket;     // unix socket the server also listens on, for jobs' networks
};

// What a service may touch, and nothing else. References outlive the service.
struct ServiceContext {
  const Installation& installation;
  db::Database::Handle db;  // confined to the service's own tables
  bytes::Store& bytes;
  Authorizer& authorizer;
  Operations& operations;
  Events& events;
  Vault& vault;
  Dispatcher& dispatcher;  // from the end of start() on
  Audit& audit;
  ResourceGroups& groups;  // asked by who makes a resource in one (core/groups.h)
  http::Egress& egress;    // for every connection to a destination that a user names
};

// One service of the house. Construct with the peers it needs (their api.h), describe, start, stop.
class Service {
 public:
  virtual ~Service() = default;
  // Pure data; called once before anything starts. Handlers may capture `this`.
  virtual void describe(Manifest& manifest) const = 0;
  // Begins work (workers, recovery). Called once, in dependency order, after migrations.
  virtual Result<void> start(const ServiceContext& context) = 0;
  // Ends workers and waits for them. Called in reverse order; must tolerate not having started.
  virtual void stop() noexcept = 0;
};

}  // namespace lazuli::core
