// SPDX-License-Identifier: Apache-2.0
#include "services/endpoints/manager.h"

#include "base/log.h"
#include "base/strings.h"
#include "crypto/random.h"

namespace lazuli::endpoints {
namespace {

constexpr uint64_t kModelBytesMax = uint64_t{4} << 30;
constexpr size_t kLogLinesMax = 1000;
constexpr size_t kKeySize = 32;

std::string key_context(const Endpoint& endpoint, std::string_view which) {
  return cat({"endpoints.key/", endpoint.name, "/", which});
}

std::string lane_key(const std::string& endpoint, const std::string& deployment) {
  return endpoint + "/" + deployment;
}

// Azure: twice what the instances take at once may be under way.
int64_t in_flight_max(const Deployment& deployment) {
  int64_t each =
      deployment.properties["requestSettings"]["maxConcurrentRequestsPerInstance"].integer(1);
  return 2 * std::max<int64_t>(1, each) *
         std::max<int64_t>(1, deployment.sku["capacity"].integer(1));
}

Result<std::string> read_blob(storage::Storage& storage, const storage::BlobPath& path) {
  std::unique_ptr<bytes::Reader> reader = TRY(storage.open(path));
  if (reader->size() > kModelBytesMax) return invalid_argument("the model file is too large");
  std::string content(reader->size(), '\0');
  size_t filled = 0;
  while (filled < content.size()) {
    auto rest = std::as_writable_bytes(std::span(content)).subspan(filled);
    size_t count = TRY(reader->read(filled, rest));
    if (count == 0) return internal_error("the model file ended early", "DataCorruption");
    filled += count;
  }
  return content;
}

}  // namespace

Manager::Manager(Store store, const Peers& peers, const core::ServiceContext& context)
    : store_(std::move(store)),
      peers_(peers),
      operations_(context.operations),
      events_(context.events),
      authorizer_(context.authorizer),
      vault_(context.vault) {}

Manager::~Manager() { stop(); }

Result<void> Manager::start() {
  for (const Deployment& deployment : TRY(store_.all_deployments()))
    if (deployment.state != DeploymentState::kFailed) enqueue(deployment.endpoint, deployment.name);
  for (const Endpoint& endpoint : TRY(store_.endpoints())) TRY(publish(endpoint.name));
  worker_ = std::thread([this] { run(); });
  return {};
}

void Manager::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void Manager::enqueue(const std::string& endpoint, const std::string& deployment) {
  {
    std::lock_guard lock(mutex_);
    queue_.emplace_back(endpoint, deployment);
  }
  changed_.notify_all();
}

void Manager::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto [endpoint, deployment] = queue_.front();
    queue_.pop_front();
    lock.unlock();
    deploy(endpoint, deployment);
    lock.lock();
  }
}

// Loads the model, puts it into routing, then ends the creation's operation: once the client sees
// Succeeded, the next request is scored.
void Manager::deploy(const std::string& endpoint, const std::string& name) {
  auto stored = store_.deployment(endpoint, name);
  if (!stored.ok() || !*stored) return;  // deleted meanwhile
  Deployment deployment = **stored;
  note(endpoint, name, "loading the model " + deployment.properties["model"].text());
  auto begin = SteadyClock::now();
  auto model = load_model(deployment);
  std::optional<Error> error;
  if (model.ok()) {
    auto lane = std::make_shared<Lane>();
    lane->name = name;
    lane->model = *model;
    lane->in_flight_max = in_flight_max(deployment);
    std::lock_guard lock(mutex_);
    lanes_[lane_key(endpoint, name)] = std::move(lane);
  } else {
    error = model.error();
  }
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begin);
  note(endpoint, name,
       error ? "the model could not be loaded: " + error->message
             : cat({"ready after ", std::to_string(took.count()), " ms"}));
  if (auto done = finish(std::move(deployment), error); !done.ok())
    log::error("endpoints", done.error().message, {{"endpoint", endpoint}, {"deployment", name}});
}

Result<void> Manager::finish(Deployment deployment, const std::optional<Error>& error) {
  bool creating = deployment.state == DeploymentState::kCreating;
  deployment.state = error ? DeploymentState::kFailed : DeploymentState::kSucceeded;
  deployment.log = log(deployment, 100);
  TRY(publish(deployment.endpoint));
  return store_.handle().write([&](db::Tx& tx) -> Result<void> {
    TRY(store_.put_state(tx, deployment));
    if (!creating) return {};
    return operations_.finish(tx, deployment.operation_id, error);
  });
}

Result<std::shared_ptr<inference::Model>> Manager::load_model(const Deployment& deployment) {
  assets::AssetVersion model = TRY(peers_.assets.find(deployment.workspace_id, assets::Kind::kModel,
                                                      deployment.properties["model"].str()));
  storage::BlobPath path =
      TRY(peers_.workspaces.resolve_uri(deployment.workspace_id, model.properties["modelUri"].str(),
                                        workspace::Authority::settled()));
  storage::BlobPath file = TRY(find_onnx(path));
  std::string content = TRY(read_blob(peers_.storage, file));
  auto loaded = peers_.inference.load(content);
  if (!loaded.ok())
    return with_context(cat({"the model file '", file.name, "' is not usable"}), loaded.error());
  return loaded;
}

// The model is the file itself, or a folder that holds one .onnx file.
Result<storage::BlobPath> Manager::find_onnx(const storage::BlobPath& path) {
  if (peers_.storage.get_info(path).ok()) return path;
  std::string folder = path.name + (path.name.ends_with('/') ? "" : "/");
  storage::BlobPath found{path.account, path.container, ""};
  TRY(peers_.storage.list(path.account, path.container, folder,
                          [&](const storage::BlobInfo& blob) -> Result<void> {
                            if (found.name.empty() && to_lower(blob.name).ends_with(".onnx"))
                              found.name = blob.name;
                            return {};
                          }));
  if (found.name.empty())
    return not_found(cat({"the model at '", path.name,
                          "' holds no .onnx file; models of other "
                          "kinds need a scoring script, which is not implemented yet"}),
                     "ModelNotFound");
  return found;
}

Result<void> Manager::publish(const std::string& name) {
  auto endpoint = TRY(store_.endpoint(name));
  if (!endpoint) {
    routing_.erase(name);
    return {};
  }
  auto target = std::make_shared<Target>();
  target->arm_id = endpoint_id(endpoint->workspace_id, name);
  target->auth_mode = endpoint->auth_mode;
  Keys both = TRY(keys(*endpoint));
  target->primary_key = std::move(both.primary);
  target->secondary_key = std::move(both.secondary);
  for (const auto& [deployment, percent] : endpoint->traffic.members())
    target->traffic.emplace_back(deployment, static_cast<int>(percent.integer()));
  std::vector<Deployment> deployments = TRY(store_.deployments(name));
  {
    std::lock_guard lock(mutex_);
    for (const Deployment& deployment : deployments) {
      auto lane = lanes_.find(lane_key(name, deployment.name));
      if (lane != lanes_.end()) target->lanes[deployment.name] = lane->second;
    }
  }
  routing_.set(name, std::move(target));
  return {};
}

Result<Manager::Written> Manager::put_endpoint(
    Endpoint endpoint, const std::optional<directory::WantedIdentity>& identity) {
  const std::string id = endpoint_id(endpoint.workspace_id, endpoint.name);
  std::string operation = TRY(store_.handle().write([&](db::Tx& tx) -> Result<std::string> {
    if (identity) endpoint.identity = TRY(peers_.identities.assign_identity(tx, id, *identity));
    TRY(store_.put(tx, endpoint));
    std::string begun = TRY(operations_.begin(tx, id));
    TRY(operations_.finish(tx, begun, {}));
    return begun;
  }));
  TRY(publish(endpoint.name));
  return Written{std::move(endpoint), std::move(operation)};
}

Result<std::string> Manager::put_deployment(Deployment deployment) {
  std::string operation = TRY(store_.handle().write([&](db::Tx& tx) -> Result<std::string> {
    deployment.operation_id = TRY(operations_.begin(tx, deployment_id(deployment)));
    deployment.state = DeploymentState::kCreating;
    TRY(store_.put(tx, deployment));
    return deployment.operation_id;
  }));
  enqueue(deployment.endpoint, deployment.name);
  return operation;
}

Result<std::string> Manager::remove_endpoint(const Endpoint& endpoint) {
  std::string operation = TRY(store_.handle().write([&](db::Tx& tx) -> Result<std::string> {
    const std::string id = endpoint_id(endpoint.workspace_id, endpoint.name);
    TRY(store_.remove_endpoint(tx, endpoint.name));
    TRY(core::publish_deleted(events_, tx, id));
    std::string begun = TRY(operations_.begin(tx, id));
    TRY(operations_.finish(tx, begun, {}));
    return begun;
  }));
  take_off(endpoint.name);
  return operation;
}

// From routing and out of memory.
void Manager::take_off(const std::string& endpoint) {
  routing_.erase(endpoint);
  std::lock_guard lock(mutex_);
  std::erase_if(lanes_, [&](const auto& each) { return each.first.starts_with(endpoint + "/"); });
}

Result<void> Manager::remove_at(db::Tx& tx, const std::string& resource_id) {
  const auto all = TRY(store_.endpoints(tx));
  for (const Endpoint& endpoint : all) {
    if (!core::scope_covers(resource_id, endpoint.workspace_id)) continue;
    if (iequals(resource_id, endpoint.workspace_id))
      return conflict(cat({"The workspace has the online endpoint '", endpoint.name,
                           "': delete its endpoints first."}),
                      "WorkspaceHasEndpoints");
    TRY(store_.remove_endpoint(tx, endpoint.name));
    tx.after_commit([this, name = endpoint.name] { take_off(name); });
  }
  return {};
}

Result<std::string> Manager::remove_deployment(const Deployment& deployment) {
  std::optional<Endpoint> endpoint = TRY(store_.endpoint(deployment.endpoint));
  if (endpoint) endpoint->traffic.erase(deployment.name);
  std::string operation = TRY(store_.handle().write([&](db::Tx& tx) -> Result<std::string> {
    TRY(store_.remove_deployment(tx, deployment.endpoint, deployment.name));
    TRY(core::publish_deleted(events_, tx, deployment_id(deployment)));
    if (endpoint) TRY(store_.put(tx, *endpoint));
    std::string id = TRY(operations_.begin(tx, deployment_id(deployment)));
    TRY(operations_.finish(tx, id, {}));
    return id;
  }));
  {
    std::lock_guard lock(mutex_);
    lanes_.erase(lane_key(deployment.endpoint, deployment.name));
  }
  TRY(publish(deployment.endpoint));
  return operation;
}

Result<Manager::Keys> Manager::keys(const Endpoint& endpoint) {
  return Keys{TRY(vault_.open(key_context(endpoint, "primary"), endpoint.sealed_primary_key)),
              TRY(vault_.open(key_context(endpoint, "secondary"), endpoint.sealed_secondary_key))};
}

void Manager::renew_keys(Endpoint& endpoint, bool primary, bool secondary) {
  auto fresh = [&](std::string_view which) {
    return vault_.seal(key_context(endpoint, which), crypto::random_password(kKeySize).expose());
  };
  if (primary || endpoint.sealed_primary_key.empty())
    endpoint.sealed_primary_key = fresh("primary");
  if (secondary || endpoint.sealed_secondary_key.empty())
    endpoint.sealed_secondary_key = fresh("secondary");
}

void Manager::note(const std::string& endpoint, const std::string& deployment, std::string line) {
  std::lock_guard lock(mutex_);
  std::deque<std::string>& lines = logs_[lane_key(endpoint, deployment)];
  lines.push_back(cat({format_iso8601(now()), " ", line}));
  if (lines.size() > kLogLinesMax) lines.pop_front();
}

std::string Manager::log(const Deployment& deployment, size_t tail) {
  std::lock_guard lock(mutex_);
  auto found = logs_.find(lane_key(deployment.endpoint, deployment.name));
  if (found == logs_.end()) return deployment.log;
  std::string text;
  const std::deque<std::string>& lines = found->second;
  for (size_t i = lines.size() > tail ? lines.size() - tail : 0; i < lines.size(); ++i)
    text += lines[i] + "\n";
  return text;
}

}  // namespace lazuli::endpoints
