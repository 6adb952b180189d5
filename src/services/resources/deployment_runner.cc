// SPDX-License-Identifier: Apache-2.0
#include "services/resources/deployment_runner.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/auth.h"
#include "services/resources/deployment_runtime.h"
#include "services/resources/deployment_wire.h"
#include "services/resources/resource_list.h"

namespace lazuli::resources {
namespace {

constexpr int kThreads = 4;
constexpr size_t kDueMax = 20'000;
constexpr int kTriesMax = 200;
constexpr Duration kPollFirst = std::chrono::milliseconds(50);
constexpr Duration kPollMost = std::chrono::seconds(2);
constexpr Duration kStepTimeout = std::chrono::hours(2);
constexpr int kInnerMax = 32;  // of templates in templates
constexpr const char* kRemoveStep = "remove";
constexpr const char* kOutputStep = "outputs";

std::string seal_context(const std::string& run_id) { return "resources.deployment/" + run_id; }

std::string step_name(size_t index) { return "r" + std::to_string(index); }

workflow::Definition definition_of(const Order& order) {
  workflow::Definition definition;
  definition.continue_on_failure = true;  // what does not depend on it goes on
  auto add = [&](std::string name, std::vector<std::string> after) {
    workflow::Step step;
    step.name = std::move(name);
    step.kind = DeploymentRunner::kStepKind;
    step.after = std::move(after);
    step.timeout = kStepTimeout;
    definition.steps.push_back(std::move(step));
  };
  std::vector<std::string> all;
  const auto& resources = order.program->resources();
  for (size_t i = 0; i < resources.size(); ++i) {
    std::vector<std::string> after;
    for (size_t each : resources[i].after) after.push_back(step_name(each));
    add(step_name(i), std::move(after));
    all.push_back(step_name(i));
  }
  if (order.mode == "Complete") {
    add(kRemoveStep, all);
    all = {kRemoveStep};
  }
  add(kOutputStep, all);
  return definition;
}

// The path and query of an absolute URL of ours.
std::string target_in(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  const size_t path = url.find('/', scheme + 3);
  return path == url.npos ? "/" : std::string(url.substr(path));
}

bool is_running(std::string_view state) {
  for (std::string_view end : {"Succeeded", "Failed", "Canceled", "Cancelled", "Ready", ""})
    if (iequals(state, end)) return false;
  return true;
}

bool has_failed(std::string_view state) {
  return iequals(state, "Failed") || istarts_with(state, "Cancel");
}

Duration pause_of(int tries) {
  return std::min<Duration>(kPollFirst * (1 << std::min(tries, 8)), kPollMost);
}

}  // namespace

struct DeploymentRunner::Task {
  std::string attempt_id, run_id, step;
  std::string poll;  // set: what to ask whether the resource is made
  int tries = 0;
  bool cancel = false;
};

struct DeploymentRunner::Active {
  Deployment deployment;
  core::Principal caller;
  uint16_t port = 443;
  std::unique_ptr<templates::Program> program;
};

DeploymentRunner::DeploymentRunner(const Parts& parts, workflow::Engine& engine, core::Vault& vault,
                                   DeploymentStore& store)
    : parts_(parts), engine_(engine), vault_(vault), store_(store) {}

DeploymentRunner::~DeploymentRunner() { end(); }

void DeploymentRunner::begin() {
  std::lock_guard lock(mutex_);
  running_ = true;
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
}

void DeploymentRunner::end() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  ended_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Result<bool> DeploymentRunner::submit(const core::Principal& caller, uint16_t port, Order& order,
                                      Deployment& deployment) {
  deployment.scope = order.scope.id();
  deployment.name = order.name;
  deployment.run_id = kRunPrefix + new_uuid();
  deployment.state = "Accepted";
  deployment.created = now();
  deployment.body = deployment_body(order);
  Json parameters = Json::object();
  for (const auto& [name, value] : order.parameters) parameters.set(name, value);
  deployment.sealed =
      vault_.seal(seal_context(deployment.run_id),
                  Json::object({{"caller", to_base64(core::keep_caller(caller, vault_))},
                                {"port", port},
                                {"parameters", std::move(parameters)}})
                      .dump());
  const workflow::Definition definition = definition_of(order);
  return store_.handle().write([&](db::Tx& tx) -> Result<bool> {
    auto before = TRY(DeploymentStore::find(tx, deployment.scope, deployment.name));
    if (before && is_running(before->state))
      return conflict(cat({"Unable to edit or replace deployment '", deployment.name,
                           "': previous deployment from '", format_iso8601(before->created),
                           "' is still active."}),
                      "DeploymentActive");
    TRY(DeploymentStore::put(tx, deployment));
    TRY(DeploymentStore::trim(tx, deployment.scope));
    TRY(engine_.submit(tx, deployment.run_id, definition));
    return !before;
  });
}

Result<void> DeploymentRunner::cancel(const Deployment& deployment) {
  return store_.handle().write([&](db::Tx& tx) { return engine_.cancel(tx, deployment.run_id); });
}

Result<void> DeploymentRunner::end_all_of(db::Tx& tx, const std::string& scope) {
  db::Tx& own = store_.handle().join(tx);
  const std::vector<std::string> running = TRY(DeploymentStore::erase_all(own, scope));
  for (const std::string& run : running) {
    auto canceled = engine_.cancel(tx, run);
    if (!canceled.ok() && canceled.error().code != Code::kNotFound)
      return std::move(canceled).error();
  }
  return {};
}

Result<workflow::RunStatus> DeploymentRunner::status(const Deployment& deployment) const {
  return engine_.status(deployment.run_id);
}

Result<void> DeploymentRunner::start(const workflow::Attempt& attempt) {
  {
    std::lock_guard lock(mutex_);
    if (due_.size() >= kDueMax) return unavailable("too many resources are being deployed");
  }
  post({attempt.id, attempt.run_id, attempt.step.name, {}, 0, false}, Duration(0));
  return {};
}

void DeploymentRunner::cancel(const std::string& attempt_id) {
  const size_t first = attempt_id.find('/'), last = attempt_id.rfind('/');
  if (first == attempt_id.npos || first == last) return;
  Task task;
  task.attempt_id = attempt_id;
  task.run_id = attempt_id.substr(0, first);
  task.step = attempt_id.substr(first + 1, last - first - 1);
  task.cancel = true;
  {
    std::lock_guard lock(mutex_);
    canceled_.insert(attempt_id);
  }
  post(std::move(task), Duration(0));
}

void DeploymentRunner::post(Task task, Duration delay) {
  {
    std::lock_guard lock(mutex_);
    due_.emplace(SteadyClock::now() + delay, std::move(task));
  }
  changed_.notify_one();
}

void DeploymentRunner::work() {
  std::unique_lock lock(mutex_);
  while (running_) {
    if (due_.empty()) {
      changed_.wait(lock);
      continue;
    }
    if (const auto when = due_.begin()->first; when > SteadyClock::now()) {
      changed_.wait_until(lock, when);
      continue;
    }
    Task task = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    const bool dropped = !task.cancel && canceled_.contains(task.attempt_id);
    lock.unlock();
    if (!dropped) run(task);
    lock.lock();
  }
}

void DeploymentRunner::run(Task& task) {
  if (task.cancel) {
    cancel_inner(task);
    return complete(task.attempt_id, {workflow::State::kCanceled, {}, {}});
  }
  auto found = active(task.run_id);
  if (!found.ok()) return fail(task, std::move(found).error());
  Active& deployment = **found;
  if (now() > deployment.deployment.created + kLifetime)
    return fail(task, Error{Code::kDeadlineExceeded,
                            "DeploymentTimeout",
                            "The deployment did not end within a day.",
                            {},
                            {}});
  if (task.step == kOutputStep) return make_outputs(task, deployment);
  if (task.step == kRemoveStep) return remove_others(task, deployment);
  const auto index = parse_int(std::string_view(task.step).substr(1));
  const size_t count = deployment.program->resources().size();
  if (!index || *index < 0 || static_cast<size_t>(*index) >= count)
    return fail(task, internal_error("unknown step of a deployment"));
  if (task.poll.empty()) return deploy(task, deployment, static_cast<size_t>(*index));
  poll(task, deployment, static_cast<size_t>(*index));
}

// A deployment within the deployment is cancelled with it.
void DeploymentRunner::cancel_inner(const Task& task) {
  auto found = active(task.run_id);
  const auto index = parse_int(std::string_view(task.step).substr(1));
  if (!found.ok() || !index) return;
  const auto& resources = (*found)->program->resources();
  if (*index < 0 || static_cast<size_t>(*index) >= resources.size()) return;
  const templates::PlannedResource& resource = resources[static_cast<size_t>(*index)];
  if (!iequals(resource.type, "Microsoft.Resources/deployments")) return;
  (void)parts_.dispatcher->send(
      (*found)->caller, {.method = http::Method::kPost,
                         .target = target_of(resource.id + "/cancel", resource.api_version)});
}

// From memory, or from the database after a restart.
Result<std::shared_ptr<DeploymentRunner::Active>> DeploymentRunner::active(
    const std::string& run_id) {
  {
    std::lock_guard lock(mutex_);
    if (auto found = active_.find(run_id); found != active_.end()) return found->second;
  }
  auto row = TRY(store_.find_run(run_id));
  if (!row) return not_found("The deployment is gone.", "DeploymentNotFound");
  SecretString opened = TRY(vault_.open(seal_context(run_id), row->sealed));
  const Json kept = TRY(Json::parse(opened.expose()));
  const std::string caller = TRY(from_base64(kept["caller"].str()));
  auto made = std::make_shared<Active>(Active{*row,
                                              TRY(core::recall_caller(caller, vault_)),
                                              static_cast<uint16_t>(kept["port"].integer()),
                                              {}});
  made->program = TRY(compile_again(parts_, made->caller,
                                    {row->scope, row->name, std::string(row->body["mode"].str()),
                                     row->body["template"], kept["parameters"], made->port}));
  std::lock_guard lock(mutex_);
  return active_.emplace(run_id, std::move(made)).first->second;
}

void DeploymentRunner::deploy(Task& task, Active& active, size_t index) {
  const templates::PlannedResource& resource = active.program->resources()[index];
  if (resource.existing) return succeed(task, Json::object({{"statusCode", "OK"}}));
  DeploymentRuntime runtime(*parts_.dispatcher, active.caller, *active.program, active.port);
  Result<Json> body = active.program->body(index, &runtime);
  if (!body.ok()) return fail(task, std::move(body).error());
  http::Response answer = parts_.dispatcher->send(
      active.caller, {.method = http::Method::kPut,
                      .target = target_of(resource.id, resource.api_version),
                      .body = body->dump(),
                      .headers = {{"Content-Type", "application/json"}},
                      .port = active.port});
  settle(task, active, index, answer);
}

// What the answer to a PUT means: made, being made, to be tried again, or failed.
void DeploymentRunner::settle(Task& task, Active& active, size_t index,
                              const http::Response& answer) {
  const bool busy = answer.status == 503 || answer.status == 429;
  if (busy && task.tries < kTriesMax) {
    const Duration pause = pause_of(task.tries++);
    return post(std::move(task), pause);
  }
  if (answer.status >= 300) return fail(task, error_of(answer));
  const Json body = json_of(answer).value_or(Json());
  const std::string_view state = body["properties"]["provisioningState"].str();
  const std::string_view url = answer.headers.get_or("Azure-AsyncOperation", "");
  const bool made = answer.status != 202 && !is_running(state);
  if (has_failed(state))
    return fail(task, conflict("The resource write operation failed to complete successfully.",
                               "ResourceDeploymentFailure"));
  if (made && (url.empty() || !state.empty()))
    return succeed(task, Json::object({{"statusCode", answer.status == 201 ? "Created" : "OK"}}));
  const templates::PlannedResource& resource = active.program->resources()[index];
  task.poll = url.empty() ? target_of(resource.id, resource.api_version) : target_in(url);
  task.tries = 0;
  post(std::move(task), kPollFirst);
}

// Azure-AsyncOperation's document, or the resource itself.
void DeploymentRunner::poll(Task& task, Active& active, size_t index) {
  http::Response answer = parts_.dispatcher->send(
      active.caller, {.target = task.poll, .headers = {{"Prefer", "wait=0"}}, .port = active.port});
  const bool busy = answer.status == 503 || answer.status == 429;
  if (!busy && answer.status >= 300) return fail(task, error_of(answer));
  const Json body = busy ? Json() : json_of(answer).value_or(Json());
  const bool resource = body.contains("properties") && !body.contains("status");
  const std::string state(resource ? body["properties"]["provisioningState"].str()
                                   : body["status"].str(busy ? "Running" : ""));
  if (is_running(state)) {
    const Duration pause = pause_of(task.tries++);
    return post(std::move(task), pause);
  }
  if (has_failed(state)) {
    const Json& told = resource ? body["properties"]["error"] : body["error"];
    if (told.is_object())
      return fail(task, error_of(http::Response(409, Json::object({{"error", told}}).dump())));
    return fail(task, conflict(cat({"The resource '", active.program->resources()[index].id,
                                    "' ended as ", state, "."}),
                               "ResourceDeploymentFailure"));
  }
  succeed(task, Json::object({{"statusCode", "OK"}}));
}

// Complete mode: what lies in the group and is not in the template goes.
void DeploymentRunner::remove_others(Task& task, Active& active) {
  auto listed =
      list_resources(parts_, core::server_reader(std::string(kSystem)), active.deployment.scope);
  if (!listed.ok()) return fail(task, std::move(listed).error());
  std::set<std::string> kept;
  for (const templates::PlannedResource& each : active.program->resources())
    kept.insert(to_lower(each.id));
  auto inside = keep_made(active.deployment.body["outputResources"], kept, 0);
  if (!inside.ok()) return fail(task, std::move(inside).error());
  std::vector<std::string> others;
  for (const Json& resource : *listed) {
    const std::string id(resource["id"].str());
    if (!kept.contains(to_lower(id))) others.push_back(id);
  }
  auto removed = delete_resources(parts_, active.caller, others, active.port);
  if (!removed.ok()) return fail(task, std::move(removed).error());
  succeed(task, Json::object({{"statusCode", "OK"}}));
}

// What inner deployments made is of the template too.
Result<void> DeploymentRunner::keep_made(const Json& made, std::set<std::string>& kept, int depth) {
  constexpr std::string_view kType = "/providers/microsoft.resources/deployments/";
  for (const Json& each : made.items()) {
    const std::string id = to_lower(each["id"].str());
    kept.insert(id);
    const size_t type = id.rfind(kType);
    if (type == id.npos || depth == kInnerMax) continue;
    auto inner = TRY(store_.find(id.substr(0, type), id.substr(type + kType.size())));
    if (inner) TRY(keep_made(inner->body["outputResources"], kept, depth + 1));
  }
  return {};
}

void DeploymentRunner::make_outputs(Task& task, Active& active) {
  DeploymentRuntime runtime(*parts_.dispatcher, active.caller, *active.program, active.port);
  Result<Json> outputs = active.program->outputs(runtime);
  if (!outputs.ok()) return fail(task, std::move(outputs).error());
  succeed(task, Json::object({{"outputs", std::move(*outputs)}}));
}

void DeploymentRunner::succeed(const Task& task, Json result) {
  complete(task.attempt_id, {workflow::State::kSucceeded, std::move(result), {}});
}

void DeploymentRunner::fail(const Task& task, Error error) {
  complete(task.attempt_id, {workflow::State::kFailed, {}, std::move(error)});
}

// The engine begins the attempt again where its end could not be written.
void DeploymentRunner::complete(const std::string& attempt_id, workflow::Outcome outcome) {
  {
    std::lock_guard lock(mutex_);
    if (!running_) return;
  }
  if (auto done = engine_.complete(attempt_id, std::move(outcome)); !done.ok())
    log::error("deployment", done.error().message, {{"attempt", attempt_id}});
}

Result<void> DeploymentRunner::on_step(db::Tx&, const std::string&, const workflow::StepStatus&) {
  return {};  // operations are read from the journal
}

Result<void> DeploymentRunner::on_run(db::Tx& tx, const workflow::RunStatus& run) {
  db::Tx& own = store_.handle().join(tx);
  auto found = TRY(DeploymentStore::find_run(own, run.id));
  if (!found) {  // its scope was deleted meanwhile
    if (workflow::is_terminal(run.state)) tx.after_commit([this, id = run.id] { forget(id); });
    return {};
  }
  if (!workflow::is_terminal(run.state)) {
    const bool running = run.state == workflow::State::kRunning;
    return DeploymentStore::set_state(own, run.id, running ? "Running" : found->state);
  }
  Deployment& deployment = *found;
  deployment.ended = now();
  deployment.state = run.state == workflow::State::kSucceeded  ? "Succeeded"
                     : run.state == workflow::State::kCanceled ? "Canceled"
                                                               : "Failed";
  for (const workflow::StepStatus& step : run.steps)
    if (step.name == kOutputStep && step.state == workflow::State::kSucceeded)
      deployment.body.set("outputs", step.result["outputs"]);
  if (deployment.state == "Failed") deployment.body.set("error", failure_json(deployment, run));
  TRY(DeploymentStore::finish(own, deployment));
  tx.after_commit([this, id = run.id] { forget(id); });
  return {};
}

void DeploymentRunner::forget(const std::string& run_id) {
  {
    std::lock_guard lock(mutex_);
    active_.erase(run_id);
    std::erase_if(canceled_,
                  [&](const std::string& each) { return each.starts_with(run_id + "/"); });
    ++ends_;
  }
  ended_.notify_all();
}

bool DeploymentRunner::wait_for_end(uint64_t seen, SteadyClock::time_point until) {
  std::unique_lock lock(mutex_);
  ended_.wait_until(lock, until, [&] { return ends_ != seen || !running_; });
  return running_ && SteadyClock::now() < until;
}

}  // namespace lazuli::resources
