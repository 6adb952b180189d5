// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bytes/bytes.h"
#include "core/audit.h"
#include "core/auth.h"
#include "core/dispatch.h"
#include "core/events_store.h"
#include "core/groups.h"
#include "core/operations.h"
#include "core/router.h"
#include "core/service.h"
#include "core/vault.h"
#include "db/testing.h"
#include "http/egress.h"

// For tests only: real floors below the services under test, and calls of their routes.
namespace lazuli::core::testing {

// One request. Who calls has been verified and authorized already: what the chain does is its own
// test.
struct Call {
  http::Method method = http::Method::kGet;
  Host host = Host::kManagement;
  std::string target;  // "/path?query"
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, std::string>> host_params;  // ("account", "acct")
  Verified caller{.object_id = "caller", .name = "caller"};
};

// An installation in a temporary folder with its own database, whose services are described,
// validated, migrated and started in the order given, and stopped with it.
class TestHouse {
 public:
  TestHouse(db::testing::Driver driver, std::vector<Service*> services);
  ~TestHouse();

  // The answer of the route's handler, or its error in the route's protocol; 404 without a route.
  http::Response call(const Call& call);
  // Stops and starts the services anew on the same data.
  void restart();

  Installation installation;
  Vault& vault() { return *vault_; }
  bytes::Store& bytes() { return *bytes_; }
  Audit& audit() { return *audit_; }
  Events& events() { return *events_; }
  db::Database::Handle handle(const std::string& owner) { return database_->handle(owner); }

 private:
  class AllowAll;
  class AnyGroup;
  class Inner;
  http::Response answer(const Call& call, const Principal& caller);
  void start();
  void stop();

  std::vector<Service*> services_;
  std::vector<Manifest> manifests_;
  std::filesystem::path folder_;
  std::unique_ptr<db::testing::TestDatabase> database_;
  std::unique_ptr<bytes::Store> bytes_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<StoredEvents> events_;
  std::unique_ptr<AllowAll> authorizer_;
  std::unique_ptr<AnyGroup> groups_;
  std::unique_ptr<Inner> inner_;
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<http::Egress> egress_;
  Router router_;
};

// The head of a request that came by TLS to port 8443 of this machine; `target` is "/path?query".
http::RequestHead request_head(http::Method method, std::string host, const std::string& target,
                               const std::vector<std::pair<std::string, std::string>>& headers);

// The whole body, of a stream too.
std::string text_of(http::Response& response);

}  // namespace lazuli::core::testing
