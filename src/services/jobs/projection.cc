// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/projection.h"

#include "base/strings.h"
#include "services/jobs/store.h"

namespace lazuli::jobs {
namespace {

using workflow::State;

std::string_view status_word(State state) {
  switch (state) {
    case State::kNotStarted:
      return "NotStarted";
    case State::kRunning:
      return "Queued";  // until the executor knows more
    case State::kCancelRequested:
      return "CancelRequested";
    case State::kSucceeded:
      return "Completed";
    case State::kFailed:
      return "Failed";
    case State::kCanceled:
      return "Canceled";
  }
  return "NotStarted";
}

std::string line_of(const workflow::StepStatus& step, const Job& job) {
  switch (step.state) {
    case State::kRunning:
      return cat({"Submitting 1 runs, first five are: ", step.name, ":", job.id});
    case State::kSucceeded:
      return cat({"Completing processing run id ", job.id, " (", step.name, ")."});
    case State::kFailed:
      return cat({"Execution of ", step.name, " (run id ", job.id,
                  ") failed: ", step.error ? step.error->message : std::string()});
    case State::kCanceled:
      return cat({step.name, " (run id ", job.id, ") was canceled."});
    case State::kNotStarted:
      return cat({step.name, " (run id ", job.id, ") waits for another attempt."});
    default:
      return cat({step.name, " (run id ", job.id, ") is asked to end."});
  }
}

// The first failed step, by its end.
const workflow::StepStatus* failed_step(const workflow::RunStatus& run) {
  const workflow::StepStatus* found = nullptr;
  for (const workflow::StepStatus& step : run.steps) {
    if (step.state != State::kFailed) continue;
    if (found == nullptr || step.ended < found->ended) found = &step;
  }
  return found;
}

// What became of the steps whose names begin with `prefix`.
State state_below(const workflow::RunStatus& run, const std::string& prefix) {
  bool all_succeeded = true;
  bool some_failed = false;
  for (const workflow::StepStatus& step : run.steps) {
    if (!step.name.starts_with(prefix)) continue;
    all_succeeded &= step.state == State::kSucceeded;
    some_failed |= step.state == State::kFailed;
  }
  if (some_failed) return State::kFailed;
  return all_succeeded ? State::kSucceeded : State::kCanceled;
}

}  // namespace

Result<void> Projection::on_step(db::Tx& tx, const std::string& run_id,
                                 const workflow::StepStatus& step) {
  const auto job = TRY(Store::find_by_step(context_.db.join(tx), run_id, step.name));
  if (!job) return internal_error(cat({"No job for the step '", step.name, "' of ", run_id, "."}));
  TRY(context_.peers.runs.set_status(tx, job->id, status_word(step.state), step.error));
  if (workflow::is_terminal(step.state)) TRY(context_.peers.identity.revoke_job(tx, job->id));
  if (job->parent_id.empty()) return {};
  TRY(tell(tx, run_id, line_of(step, *job)));
  if (step.state != State::kRunning) return {};
  for (std::string id = job->parent_id; id != run_id;) {  // pipelines within the pipeline
    TRY(context_.peers.runs.set_status(tx, id, "Running"));
    const auto frame = TRY(Store::find_by_id(context_.db.join(tx), id));
    if (!frame) break;
    id = frame->parent_id;
  }
  return {};
}

Result<void> Projection::on_run(db::Tx& tx, const workflow::RunStatus& run) {
  db::Tx& own = context_.db.join(tx);
  const auto job = TRY(Store::find_by_id(own, run.id));
  if (!job) return internal_error(cat({"No job for the workflow run ", run.id, "."}));
  const bool pipeline = job->type == kPipeline;
  std::optional<Error> error = run.error;
  if (const auto* failed = failed_step(run); pipeline && failed != nullptr && error) {
    const auto child = TRY(Store::find_by_step(own, run.id, failed->name));
    error->message = cat({"The step '", failed->name, "' (job ", child ? child->id : "",
                          ") failed: ", error->message});
  }
  if (!workflow::is_terminal(run.state)) {
    const bool running = run.state == State::kRunning;
    if (running && !pipeline) return {};  // its one step says more
    return context_.peers.runs.set_status(tx, run.id, running ? "Running" : status_word(run.state));
  }
  TRY(Store::set_ended(own, run.id));
  if (pipeline) TRY(show_frames(tx, run));
  TRY(context_.peers.runs.set_status(tx, run.id, status_word(run.state), error));
  if (pipeline) TRY(tell(tx, run.id, cat({"The pipeline ended: ", status_word(run.state)})));
  if (job->cancel_operation.empty()) return {};
  return operations_.finish(tx, job->cancel_operation, std::nullopt);
}

// Pipelines within the pipeline, which no step stands for.
Result<void> Projection::show_frames(db::Tx& tx, const workflow::RunStatus& run) {
  for (const Job& job : TRY(Store::family(context_.db.join(tx), run.id))) {
    if (job.type != kPipeline || job.parent_id.empty()) continue;
    const State state = state_below(run, job.step + ".");
    std::optional<Error> error;
    if (state == State::kFailed) error = run.error;
    TRY(context_.peers.runs.set_status(tx, job.id, status_word(state), error));
  }
  return {};
}

Result<void> Projection::tell(db::Tx& tx, const std::string& root_id, const std::string& text) {
  TRY(Store::add_line(context_.db.join(tx), root_id,
                      cat({"[", format_iso8601_seconds(now()), "] ", text})));
  tx.after_commit([this] { log_.wake(); });
  return {};
}

}  // namespace lazuli::jobs
