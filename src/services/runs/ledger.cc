// SPDX-License-Identifier: Apache-2.0
#include "services/runs/ledger.h"

#include "base/strings.h"

namespace lazuli::runs {
namespace {

constexpr std::string_view kArtifactStore = "workspaceartifactstore";
constexpr Duration kLookPause = std::chrono::seconds(10);
constexpr size_t kLooksMax = 10000;

Error no_run(std::string_view run_id) {
  return not_found(cat({"The run '", run_id.substr(0, 200), "' was not found."}), "RunNotFound");
}

// Statuses in the order in which a job passes through them; others are never overtaken.
size_t rank(std::string_view status) {
  constexpr std::string_view kOrder[] = {"NotStarted", "Queued",     "Preparing",      "Starting",
                                         "Running",    "Finalizing", "CancelRequested"};
  size_t position = 0;
  while (position < std::size(kOrder) && kOrder[position] != status) ++position;
  return position;
}

Result<Run> in_transaction(Store& store, db::Tx& tx, std::string_view run_id) {
  auto run = TRY(store.find_in(tx, std::string(run_id)));
  if (!run) return no_run(run_id);
  return *run;
}

}  // namespace

std::string artifact_prefix(std::string_view run_id) {
  return cat({"ExperimentRun/dcid.", run_id, "/"});
}

bool is_terminal(std::string_view status) {
  return status == "Completed" || status == "Failed" || status == "Canceled";
}

bool is_job(const Run& run) { return run.run_type != "mlflow"; }

Ledger::Ledger(db::Database::Handle handle, workspace::Workspaces& workspaces,
               storage::Storage& storage, assets::Assets& assets)
    : store_(handle),
      models_(handle),
      workspaces_(workspaces),
      storage_(storage),
      assets_(assets) {}

Result<void> Ledger::create(db::Tx& tx, const Run& wanted) {
  Run run = wanted;
  Experiment experiment = TRY(store_.ensure_experiment(tx, run.workspace_id, run.experiment_name));
  run.experiment_id = experiment.id;
  if (run.root_run_id.empty()) run.root_run_id = run.run_id;
  if (to_micros(run.created) == 0) run.created = now();
  return store_.insert(tx, run);
}

Result<void> Ledger::set_status(db::Tx& tx, std::string_view run_id, std::string_view status,
                                const std::optional<Error>& error) {
  Run run = TRY(in_transaction(store_, tx, run_id));
  if (is_terminal(run.status) || rank(status) < rank(run.status)) return {};
  run.status = status;
  if (error) run.error = error;
  if (status == "Running" && to_micros(run.started) == 0) run.started = now();
  if (is_terminal(status)) run.ended = now();
  return store_.update(tx, run);
}

Result<void> Ledger::set_outputs(db::Tx& tx, std::string_view run_id, const Json& outputs) {
  Run run = TRY(in_transaction(store_, tx, run_id));
  run.outputs = outputs;
  return store_.update(tx, run);
}

Result<void> Ledger::set_properties(db::Tx& tx, std::string_view run_id, const Json& properties) {
  Run run = TRY(in_transaction(store_, tx, run_id));
  run.properties = properties;
  return store_.update(tx, run);
}

Result<Run> Ledger::get(std::string_view workspace_id, std::string_view run_id) {
  auto run = TRY(store_.find(std::string(workspace_id), std::string(run_id)));
  if (!run) return no_run(run_id);
  return *run;
}

Result<std::vector<Run>> Ledger::children(std::string_view workspace_id, std::string_view run_id) {
  return store_.children(std::string(workspace_id), std::string(run_id));
}

Result<Run> Ledger::change(std::string_view workspace_id, std::string_view run_id,
                           const std::function<Result<void>(Run&)>& edit) {
  return store_.handle().write([&](db::Tx& tx) -> Result<Run> {
    Run run = TRY(in_transaction(store_, tx, run_id));
    if (!iequals(run.workspace_id, workspace_id)) return no_run(run_id);
    TRY(edit(run));
    TRY(store_.update(tx, run));
    return run;
  });
}

Result<storage::BlobPath> Ledger::artifact_path(std::string_view workspace_id,
                                                std::string_view run_id, std::string_view path) {
  for (std::string_view piece : split(path, '/'))
    if (piece == ".." || piece == "." || piece.find('\0') != std::string_view::npos)
      return invalid_argument(cat({"'", path.substr(0, 200), "' is not a valid artifact path"}),
                              "INVALID_PARAMETER_VALUE");
  workspace::Datastore store = TRY(workspaces_.datastore(workspace_id, kArtifactStore));
  return storage::BlobPath{store.account, store.container,
                           artifact_prefix(run_id) + std::string(path)};
}

Result<std::string> Ledger::artifact_address(std::string_view workspace_id, std::string_view run_id,
                                             std::string_view path) {
  storage::BlobPath blob = TRY(artifact_path(workspace_id, run_id, path));
  return workspaces_.datastore_uri(workspace_id, kArtifactStore, blob.name);
}

bool Ledger::is_first_look(const std::string& run_id) {
  std::lock_guard lock(mutex_);
  if (looks_.size() > kLooksMax) looks_.clear();
  Timestamp time = now();
  Timestamp& last = looks_[run_id];
  bool first = time - last > kLookPause;
  last = time;
  return first;
}

}  // namespace lazuli::runs
