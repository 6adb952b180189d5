// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "core/events.h"
#include "core/operations.h"
#include "core/service.h"
#include "core/vault.h"
#include "engines/inference/inference.h"
#include "services/assets/api.h"
#include "services/directory/api.h"
#include "services/endpoints/routing.h"
#include "services/endpoints/store.h"
#include "services/identity/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::endpoints {

struct Peers {
  workspace::Workspaces& workspaces;
  assets::Assets& assets;
  storage::Storage& storage;
  identity::Identity& identity;
  directory::Identities& identities;
  inference::Engine& inference;
};

// Endpoints and deployments above the store: creates, loads models in the background, keeps the
// routing snapshot true to the store. Thread-safe.
class Manager {
 public:
  Manager(Store store, const Peers& peers, const core::ServiceContext& context);
  ~Manager();

  // Loads what is deployed and takes up creations that a crash interrupted.
  Result<void> start();
  void stop() noexcept;

  Store& store() { return store_; }
  const Peers& peers() const { return peers_; }
  core::Operations& operations() { return operations_; }
  core::Authorizer& authorizer() { return authorizer_; }
  Routing& routing() { return routing_; }

  struct Written {
    Endpoint endpoint;
    std::string operation;  // the long-running one's id
  };
  // Each stores, then publishes to routing; the returned id is the long-running operation's.
  Result<Written> put_endpoint(Endpoint endpoint,
                               const std::optional<directory::WantedIdentity>& identity = {});
  Result<std::string> put_deployment(Deployment deployment);
  Result<std::string> remove_endpoint(const Endpoint& endpoint);
  // Within the transaction that deletes a resource: a workspace stays while it has endpoints; those
  // of a resource group go with it.
  Result<void> remove_at(db::Tx& tx, const std::string& resource_id);
  Result<std::string> remove_deployment(const Deployment& deployment);

  struct Keys {
    SecretString primary, secondary;
  };
  Result<Keys> keys(const Endpoint& endpoint);
  // Puts new keys into the endpoint where it has none, or where asked.
  void renew_keys(Endpoint& endpoint, bool primary, bool secondary);

  // A line in the deployment's log (kept in memory, the last thousand).
  void note(const std::string& endpoint, const std::string& deployment, std::string line);
  std::string log(const Deployment& deployment, size_t tail);

 private:
  void run();
  void deploy(const std::string& endpoint, const std::string& name);
  Result<std::shared_ptr<inference::Model>> load_model(const Deployment& deployment);
  Result<storage::BlobPath> find_onnx(const storage::BlobPath& path);
  Result<void> finish(Deployment deployment, const std::optional<Error>& error);
  Result<void> publish(const std::string& endpoint);
  void enqueue(const std::string& endpoint, const std::string& deployment);
  void take_off(const std::string& endpoint);

  Store store_;
  Peers peers_;
  core::Operations& operations_;
  core::Events& events_;
  core::Authorizer& authorizer_;
  core::Vault& vault_;
  Routing routing_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::string, std::string>> queue_;
  std::map<std::string, std::shared_ptr<Lane>> lanes_;  // by "endpoint/deployment"
  std::map<std::string, std::deque<std::string>> logs_;
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace lazuli::endpoints
