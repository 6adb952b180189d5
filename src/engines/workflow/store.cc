// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/store.h"

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "engines/workflow/model.h"

namespace lazuli::workflow {
namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE workflow_definition (
  hash {text} PRIMARY KEY,
  body {text} NOT NULL);
CREATE TABLE workflow_run (
  id {text} PRIMARY KEY,
  definition {text} NOT NULL REFERENCES workflow_definition (hash),
  state {text} NOT NULL,
  cancel_requested {int} NOT NULL,
  error {text} NOT NULL,
  created_us {int} NOT NULL,
  ended_us {int} NOT NULL);
CREATE TABLE workflow_step (
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  position {int} NOT NULL,
  name {text} NOT NULL,
  state {text} NOT NULL,
  attempt {int} NOT NULL,
  timed_out {int} NOT NULL,
  result {text} NOT NULL,
  error {text} NOT NULL,
  started_us {int} NOT NULL,
  ended_us {int} NOT NULL,
  PRIMARY KEY (run_id, name));
CREATE INDEX workflow_step_state ON workflow_step (state);
CREATE TABLE workflow_journal (
  id {id},
  run_id {text} NOT NULL REFERENCES workflow_run (id),
  at_us {int} NOT NULL,
  event {text} NOT NULL,
  step {text} NOT NULL,
  attempt {int} NOT NULL,
  outcome {text} NOT NULL);
CREATE INDEX workflow_journal_run ON workflow_journal (run_id, id);
CREATE TABLE workflow_timer (
  attempt_id {text} PRIMARY KEY,
  kind {int} NOT NULL,
  due_us {int} NOT NULL);
CREATE INDEX workflow_timer_due ON workflow_timer (due_us);
)sql";

constexpr int kTimersMax = 100;  // taken at once

std::string content_hash(const std::string& body) {
  const std::string digest = crypto::sha256(body);
  return to_hex(std::as_bytes(std::span(digest)));
}

bool has_outcome(EventKind kind) {
  return kind == EventKind::kAttemptFailed || kind == EventKind::kStepEnded ||
         kind == EventKind::kRunEnded;
}

Json outcome_to_json(const Outcome& outcome) {
  return Json::object({{"state", to_string(outcome.state)},
                       {"result", outcome.result},
                       {"error", error_to_json(outcome.error)}});
}

Error corrupt(std::string_view what) {
  return internal_error(cat({"The workflow tables hold an unknown ", what, "."}));
}

Result<State> state_of(std::string_view text) {
  const auto state = parse_state(text);
  if (!state) return corrupt("state");
  return *state;
}

Result<std::optional<Error>> error_of(const std::string& text) {
  return error_from_json(TRY(Json::parse(text)));
}

Result<StepRecord> step_of(const db::Row& row) {
  StepRecord record;
  record.status.name = row.text(0);
  record.status.state = TRY(state_of(row.text(1)));
  record.status.attempt = static_cast<int>(row.integer(2));
  record.timed_out = row.boolean(3);
  record.status.result = TRY(Json::parse(row.text(4)));
  record.status.error = TRY(error_of(row.text(5)));
  record.status.started = from_micros(row.integer(6));
  record.status.ended = from_micros(row.integer(7));
  return record;
}

Result<Event> event_of(const db::Row& row) {
  const auto kind = parse_event_kind(row.text(0));
  if (!kind) return corrupt("event");
  Event event{.kind = *kind, .step = row.text(1), .attempt = static_cast<int>(row.integer(2))};
  event.at = from_micros(row.integer(4));
  if (has_outcome(*kind)) {
    const Json outcome = TRY(Json::parse(row.text(3)));
    event.outcome = {TRY(state_of(outcome["state"].str())), outcome["result"],
                     error_from_json(outcome["error"])};
  }
  return event;
}

}  // namespace

std::vector<db::Migration> Store::migrations() { return {{"workflow", 1, std::string(kSchema)}}; }

Result<void> Store::insert_run(db::Tx& tx, const RunRecord& run, const Definition& definition) {
  const std::string body = definition_to_json(definition).dump();
  const std::string hash = content_hash(body);
  TRY(
      tx.exec("INSERT INTO workflow_definition (hash, body) VALUES (?, ?) "
              "ON CONFLICT (hash) DO NOTHING",
              {hash, body}));
  const int64_t inserted = TRY(tx.exec(
      "INSERT INTO workflow_run (id, definition, state, cancel_requested, error, created_us, "
      "ended_us) VALUES (?, ?, ?, 0, 'null', ?, 0) ON CONFLICT (id) DO NOTHING",
      {run.id, hash, to_string(run.state), to_micros(run.created)}));
  if (inserted == 0) {
    return conflict(cat({"A run with the id '", run.id, "' exists already."}), "JobAlreadyExists");
  }
  int position = 0;
  for (const StepRecord& record : run.steps) {
    TRY(tx.exec(
        "INSERT INTO workflow_step (run_id, position, name, state, attempt, timed_out, "
        "result, error, started_us, ended_us) VALUES (?, ?, ?, ?, 0, 0, 'null', 'null', 0, 0)",
        {run.id, position++, record.status.name, to_string(record.status.state)}));
  }
  return {};
}

Result<std::optional<LoadedRun>> Store::load_run(db::Executor& db, const std::string& run_id) {
  const auto row = TRY(db.query_one(
      "SELECT r.state, r.cancel_requested, r.error, r.created_us, r.ended_us, d.body "
      "FROM workflow_run r JOIN workflow_definition d ON d.hash = r.definition WHERE r.id = ?",
      {run_id}));
  if (!row) return std::optional<LoadedRun>();
  LoadedRun loaded;
  loaded.run.id = run_id;
  loaded.run.state = TRY(state_of(row->text(0)));
  loaded.run.cancel_requested = row->boolean(1);
  loaded.run.error = TRY(error_of(row->text(2)));
  loaded.run.created = from_micros(row->integer(3));
  loaded.run.ended = from_micros(row->integer(4));
  loaded.definition = definition_from_json(TRY(Json::parse(row->text(5))));
  const db::Rows steps =
      TRY(db.query("SELECT name, state, attempt, timed_out, result, error, started_us, ended_us "
                   "FROM workflow_step WHERE run_id = ? ORDER BY position",
                   {run_id}));
  for (const db::Row& step : steps) loaded.run.steps.push_back(TRY(step_of(step)));
  return std::optional<LoadedRun>(std::move(loaded));
}

Result<void> Store::append(db::Tx& tx, const std::string& run_id, const Event& event) {
  const Json outcome = has_outcome(event.kind) ? outcome_to_json(event.outcome) : Json();
  TRY(
      tx.exec("INSERT INTO workflow_journal (run_id, at_us, event, step, attempt, outcome) "
              "VALUES (?, ?, ?, ?, ?, ?)",
              {run_id, to_micros(event.at), to_string(event.kind), event.step, event.attempt,
               outcome.dump()}));
  return {};
}

Result<std::vector<Event>> Store::journal(db::Executor& db, const std::string& run_id) {
  const db::Rows rows = TRY(
      db.query("SELECT event, step, attempt, outcome, at_us FROM workflow_journal WHERE run_id = ? "
               "ORDER BY id",
               {run_id}));
  std::vector<Event> events;
  for (const db::Row& row : rows) events.push_back(TRY(event_of(row)));
  return events;
}

Result<void> Store::save_run(db::Tx& tx, const RunRecord& run) {
  TRY(
      tx.exec("UPDATE workflow_run SET state = ?, cancel_requested = ?, error = ?, created_us = ?, "
              "ended_us = ? WHERE id = ?",
              {to_string(run.state), run.cancel_requested, error_to_json(run.error).dump(),
               to_micros(run.created), to_micros(run.ended), run.id}));
  return {};
}

Result<void> Store::save_step(db::Tx& tx, const std::string& run_id, const StepRecord& record) {
  const StepStatus& step = record.status;
  TRY(
      tx.exec("UPDATE workflow_step SET state = ?, attempt = ?, timed_out = ?, result = ?, "
              "error = ?, started_us = ?, ended_us = ? WHERE run_id = ? AND name = ?",
              {to_string(step.state), step.attempt, record.timed_out, step.result.dump(),
               error_to_json(step.error).dump(), to_micros(step.started), to_micros(step.ended),
               run_id, step.name}));
  return {};
}

Result<void> Store::set_timer(db::Tx& tx, const Timer& timer) {
  TRY(tx.exec(
      "INSERT INTO workflow_timer (attempt_id, kind, due_us) VALUES (?, ?, ?) "
      "ON CONFLICT (attempt_id) DO UPDATE SET kind = excluded.kind, due_us = excluded.due_us",
      {timer.attempt_id, static_cast<int>(timer.kind), to_micros(timer.due)}));
  return {};
}

Result<void> Store::clear_timer(db::Tx& tx, const std::string& attempt_id) {
  TRY(tx.exec("DELETE FROM workflow_timer WHERE attempt_id = ?", {attempt_id}));
  return {};
}

Result<std::vector<Timer>> Store::due_timers(db::Executor& db, Timestamp at) {
  const db::Rows rows =
      TRY(db.query("SELECT attempt_id, kind, due_us FROM workflow_timer WHERE due_us <= ? ORDER BY "
                   "due_us LIMIT ?",
                   {to_micros(at), kTimersMax}));
  std::vector<Timer> timers;
  for (const db::Row& row : rows) {
    timers.push_back(
        {row.text(0), static_cast<TimerKind>(row.integer(1)), from_micros(row.integer(2))});
  }
  return timers;
}

Result<std::optional<Timestamp>> Store::next_timer(db::Executor& db) {
  const auto row = TRY(db.query_one("SELECT MIN(due_us) FROM workflow_timer"));
  if (!row || row->is_null(0)) return std::optional<Timestamp>();
  return std::optional<Timestamp>(from_micros(row->integer(0)));
}

Result<std::vector<Store::ActiveAttempt>> Store::active_attempts(db::Executor& db) {
  const db::Rows rows =
      TRY(db.query("SELECT run_id, name, attempt, state FROM workflow_step WHERE state IN (?, ?) "
                   "ORDER BY started_us",
                   {to_string(State::kRunning), to_string(State::kCancelRequested)}));
  std::vector<ActiveAttempt> attempts;
  for (const db::Row& row : rows) {
    attempts.push_back({attempt_id(row.text(0), row.text(1), static_cast<int>(row.integer(2))),
                        row.text(3) == to_string(State::kCancelRequested)});
  }
  return attempts;
}

}  // namespace lazuli::workflow
