// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/store.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "engines/workflow/model.h"

namespace lazuli::workflow {
namespace {

constexpr int kLettersMax = 100;  // taken at once
constexpr int kCompactMax = 50;

std::string content_hash(const std::string& body) {
  const std::string digest = crypto::sha256(body);
  return to_hex(std::as_bytes(std::span(digest)));
}

bool has_outcome(EventKind kind) {
  return kind == EventKind::kAttemptFailed || kind == EventKind::kStepEnded ||
         kind == EventKind::kRunEnded;
}

// Beside the columns: how it ended, and what else it says.
Json event_body(const Event& event) {
  if (!has_outcome(event.kind) && event.body.is_null() && event.due == Timestamp{}) return {};
  Json json = Json::object();
  if (has_outcome(event.kind)) {
    json.set("state", to_string(event.outcome.state));
    if (!event.outcome.result.is_null()) json.set("result", event.outcome.result);
    if (event.outcome.error) json.set("error", error_to_json(event.outcome.error));
  }
  if (event.due != Timestamp{}) json.set("dueUs", to_micros(event.due));
  if (!event.body.is_null()) json.set("body", event.body);
  return json;
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

Result<Event> event_of(const Json& json) {
  const auto kind = parse_event_kind(json["event"].str());
  if (!kind) return corrupt("event");
  Event event{.kind = *kind,
              .step = std::string(json["step"].str()),
              .attempt = static_cast<int>(json["attempt"].integer())};
  event.at = from_micros(json["atUs"].integer());
  const Json& more = json["more"];
  if (has_outcome(*kind)) {
    event.outcome = {TRY(state_of(more["state"].str())), more["result"],
                     error_from_json(more["error"])};
  }
  event.due = from_micros(more["dueUs"].integer());
  event.body = more["body"];
  return event;
}

Result<Json> event_json(const db::Row& row) {
  Json json = Json::object({{"event", row.text(0)},
                            {"step", row.text(1)},
                            {"attempt", row.integer(2)},
                            {"atUs", row.integer(4)}});
  json.set("more", TRY(Json::parse(row.text(3))));
  return json;
}

Result<Json> journal_json(db::Executor& db, const std::string& run_id) {
  const db::Rows rows =
      TRY(db.query("SELECT event, step, attempt, outcome, at_us FROM workflow_journal "
                   "WHERE run_id = ? ORDER BY seq",
                   {run_id}));
  Json events = Json::array();
  for (const db::Row& row : rows) events.push_back(TRY(event_json(row)));
  return events;
}

Json step_json(const StepRecord& record, uint32_t position) {
  const StepStatus& step = record.status;
  Json json = Json::object({{"position", position},
                            {"state", to_string(step.state)},
                            {"attempt", step.attempt},
                            {"failures", record.failures},
                            {"result", step.result},
                            {"error", error_to_json(step.error)},
                            {"startedUs", to_micros(step.started)},
                            {"endedUs", to_micros(step.ended)},
                            {"skipped", step.skipped},
                            {"reusedFrom", step.reused_from}});
  return json;
}

Result<void> read_step(RunRecord& run, const Json& json) {
  const auto position = static_cast<size_t>(json["position"].integer());
  if (position >= run.steps.size()) return corrupt("step");
  StepRecord& record = run.steps[position];
  record.status.state = TRY(state_of(json["state"].str()));
  record.status.attempt = static_cast<int>(json["attempt"].integer());
  record.failures = static_cast<int>(json["failures"].integer());
  record.status.result = json["result"];
  record.status.error = error_from_json(json["error"]);
  record.status.started = from_micros(json["startedUs"].integer());
  record.status.ended = from_micros(json["endedUs"].integer());
  record.status.skipped = json["skipped"].boolean();
  record.status.reused_from = std::string(json["reusedFrom"].str());
  return {};
}

Result<void> read_step(RunRecord& run, const db::Row& row) {
  const auto position = static_cast<size_t>(row.integer(0));
  if (position >= run.steps.size()) return corrupt("step");
  StepRecord& record = run.steps[position];
  record.status.state = TRY(state_of(row.text(1)));
  record.status.attempt = static_cast<int>(row.integer(2));
  record.timed_out = row.boolean(3);
  if (const std::string result = row.text(4); result != "null") {
    record.status.result = TRY(Json::parse(result));
  }
  if (const std::string error = row.text(5); error != "null") {
    record.status.error = TRY(error_of(error));
  }
  record.status.started = from_micros(row.integer(6));
  record.status.ended = from_micros(row.integer(7));
  record.due = from_micros(row.integer(8));
  record.failures = static_cast<int>(row.integer(9));
  record.status.skipped = row.boolean(10);
  record.status.reused_from = row.text(11);
  return {};
}

// Steps that were added while it ran.
Result<void> read_growth(db::Executor& db, RunRecord& run) {
  const db::Rows rows = TRY(
      db.query("SELECT step, body FROM workflow_growth WHERE run_id = ? ORDER BY seq", {run.id}));
  for (const db::Row& row : rows) {
    const Json body = TRY(Json::parse(row.text(1)));
    if (const auto by = run.graph->find(row.text(0)); by && !row.text(0).empty()) {
      run.graph->add_more(*by, steps_from_json(body));
      continue;
    }
    std::vector<std::string> undone;
    for (const Json& name : body["undo"].items()) undone.emplace_back(name.str());
    run.graph->add_undo(undone);
    run.undoing = TRY(state_of(body["state"].str()));
  }
  for (size_t i = run.steps.size(); i < run.graph->size(); ++i) {
    run.steps.push_back({.status = {.name = (*run.graph)[i].step.name}});
  }
  return {};
}

Result<void> read_signals(db::Executor& db, RunRecord& run) {
  const db::Rows rows = TRY(db.query(
      "SELECT seq, name, payload FROM workflow_signal WHERE run_id = ? ORDER BY seq", {run.id}));
  for (const db::Row& row : rows) {
    run.signals.push_back({row.integer(0), row.text(1), TRY(Json::parse(row.text(2)))});
  }
  return {};
}

Result<void> read_compacted(db::Executor& db, RunRecord& run) {
  const auto row =
      TRY(db.query_one("SELECT steps FROM workflow_history WHERE run_id = ?", {run.id}));
  if (!row) return corrupt("history");
  const Json steps = TRY(Json::parse(row->text(0)));
  for (const Json& step : steps.items()) TRY(read_step(run, step));
  return {};
}

Result<void> read_steps(db::Executor& db, RunRecord& run) {
  const db::Rows steps = TRY(
      db.query("SELECT position, state, attempt, timed_out, result, error, started_us, ended_us, "
               "due_us, failures, skipped, reused_from FROM workflow_step WHERE run_id = ?",
               {run.id}));
  for (const db::Row& step : steps) TRY(read_step(run, step));
  return {};
}

// One statement writes so many rows; few sizes, so that few statements are prepared.
size_t chunk_of(size_t left) { return left >= 64 ? 64 : left >= 8 ? 8 : left >= 2 ? 2 : 1; }

std::string values(std::string_view row, size_t rows) {
  std::string sql(row);
  for (size_t i = 1; i < rows; ++i) sql += cat({", ", row});
  return sql;
}

void add_params(std::vector<db::Param>& params, const RunRecord& run, uint32_t position) {
  const StepRecord& record = run.steps[position];
  const StepStatus& step = record.status;
  params.insert(params.end(),
                {run.id, position, step.name, to_string(step.state), step.attempt, record.timed_out,
                 step.result.is_null() ? std::string("null") : step.result.dump(),
                 step.error ? error_to_json(step.error).dump() : std::string("null"),
                 to_micros(step.started), to_micros(step.ended), to_micros(record.due),
                 record.failures, step.skipped, step.reused_from});
}

}  // namespace

Result<void> Store::insert_run(db::Tx& tx, const RunRecord& run, const Definition& definition,
                               const std::string& owner) {
  const std::string body = to_json(definition).dump();
  const std::string hash = content_hash(body);
  TRY(
      tx.exec("INSERT INTO workflow_definition (hash, body) VALUES (?, ?) "
              "ON CONFLICT (hash) DO NOTHING",
              {hash, body}));
  const int64_t inserted = TRY(tx.exec(
      "INSERT INTO workflow_run (id, definition, state, cancel_requested, error, "
      "created_us, ended_us, seq, owner, due_us, parent) "
      "VALUES (?, ?, ?, 0, 'null', ?, 0, ?, ?, 0, ?) ON CONFLICT (id) DO NOTHING",
      {run.id, hash, to_string(run.state), to_micros(run.created), run.seq, owner, run.parent}));
  if (inserted == 0) {
    return conflict(cat({"A run with the id '", run.id, "' exists already."}), "JobAlreadyExists");
  }
  return {};
}

Result<std::optional<LoadedRun>> Store::load_run(db::Executor& db, const std::string& run_id) {
  const auto row = TRY(
      db.query_one("SELECT r.state, r.cancel_requested, r.error, r.created_us, r.ended_us, d.body, "
                   "r.seq, r.owner, r.due_us, r.parent, r.timed_out, r.compacted "
                   "FROM workflow_run r JOIN workflow_definition d ON d.hash = r.definition "
                   "WHERE r.id = ?",
                   {run_id}));
  if (!row) return std::optional<LoadedRun>();
  LoadedRun loaded{fresh_run(run_id, definition_from_json(TRY(Json::parse(row->text(5))))),
                   row->text(7)};
  RunRecord& run = loaded.run;
  run.state = TRY(state_of(row->text(0)));
  run.cancel_requested = row->boolean(1);
  run.error = TRY(error_of(row->text(2)));
  run.created = from_micros(row->integer(3));
  run.ended = from_micros(row->integer(4));
  run.seq = row->integer(6);
  run.due = from_micros(row->integer(8));
  run.parent = row->text(9);
  run.timed_out = row->boolean(10);
  TRY(read_growth(db, run));
  if (row->boolean(11)) {
    TRY(read_compacted(db, run));
  } else {
    TRY(read_steps(db, run));
    TRY(read_signals(db, run));
  }
  recount(run);
  return std::optional<LoadedRun>(std::move(loaded));
}

Result<std::optional<int64_t>> Store::seq_of(db::Executor& db, const std::string& run_id) {
  const auto row = TRY(db.query_one("SELECT seq FROM workflow_run WHERE id = ?", {run_id}));
  if (!row) return std::optional<int64_t>();
  return std::optional<int64_t>(row->integer(0));
}

Result<std::optional<std::string>> Store::owner_of(db::Executor& db, const std::string& run_id) {
  const auto row = TRY(db.query_one("SELECT owner FROM workflow_run WHERE id = ?", {run_id}));
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(row->text(0));
}

Result<bool> Store::save_run(db::Tx& tx, const RunRecord& run, int64_t seq_before,
                             const std::string& owner) {
  const int64_t changed = TRY(tx.exec(
      "UPDATE workflow_run SET state = ?, cancel_requested = ?, error = ?, ended_us = ?, "
      "due_us = ?, timed_out = ?, seq = ? WHERE id = ? AND seq = ? AND owner = ?",
      {to_string(run.state), run.cancel_requested,
       run.error ? error_to_json(run.error).dump() : std::string("null"), to_micros(run.ended),
       to_micros(run.due), run.timed_out, run.seq, run.id, seq_before, owner}));
  return changed == 1;
}

Result<void> Store::append(db::Tx& tx, const RunRecord& run, std::span<const Event> events) {
  int64_t seq = run.seq - static_cast<int64_t>(events.size());
  while (!events.empty()) {
    const size_t count = chunk_of(events.size());
    std::vector<db::Param> params;
    for (const Event& event : events.first(count)) {
      const Json body = event_body(event);
      params.insert(params.end(),
                    {run.id, ++seq, to_micros(event.at), to_string(event.kind), event.step,
                     event.attempt, body.is_null() ? std::string("null") : body.dump()});
    }
    TRY(tx.exec(cat({"INSERT INTO workflow_journal (run_id, seq, at_us, event, step, attempt, "
                     "outcome) VALUES ",
                     values("(?, ?, ?, ?, ?, ?, ?)", count)}),
                params));
    events = events.subspan(count);
  }
  return {};
}

Result<void> Store::save_steps(db::Tx& tx, const RunRecord& run,
                               std::span<const uint32_t> positions) {
  while (!positions.empty()) {
    const size_t count = chunk_of(positions.size());
    std::vector<db::Param> params;
    for (const uint32_t position : positions.first(count)) add_params(params, run, position);
    TRY(tx.exec(cat({"INSERT INTO workflow_step (run_id, position, name, state, attempt, "
                     "timed_out, result, "
                     "error, started_us, ended_us, due_us, failures, skipped, reused_from) VALUES ",
                     values("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", count),
                     " ON CONFLICT (run_id, name) DO UPDATE SET state = excluded.state, "
                     "attempt = excluded.attempt, timed_out = excluded.timed_out, "
                     "result = excluded.result, error = excluded.error, "
                     "started_us = excluded.started_us, ended_us = excluded.ended_us, "
                     "due_us = excluded.due_us, failures = excluded.failures, "
                     "skipped = excluded.skipped, reused_from = excluded.reused_from"}),
                params));
    positions = positions.subspan(count);
  }
  return {};
}

Result<void> Store::add_growth(db::Tx& tx, const std::string& run_id, int64_t seq,
                               const Event& event) {
  TRY(tx.exec("INSERT INTO workflow_growth (run_id, seq, step, body) VALUES (?, ?, ?, ?)",
              {run_id, seq, event.step, event.body.dump()}));
  return {};
}

Result<void> Store::add_signal(db::Tx& tx, const std::string& run_id, const Signal& signal) {
  TRY(tx.exec("INSERT INTO workflow_signal (run_id, seq, name, payload) VALUES (?, ?, ?, ?)",
              {run_id, signal.seq, signal.name, signal.payload.dump()}));
  return {};
}

Result<void> Store::remove_signal(db::Tx& tx, const std::string& run_id, int64_t seq) {
  TRY(tx.exec("DELETE FROM workflow_signal WHERE run_id = ? AND seq = ?", {run_id, seq}));
  return {};
}

Result<std::vector<Event>> Store::journal(db::Executor& db, const std::string& run_id) {
  const auto row =
      TRY(db.query_one("SELECT events FROM workflow_history WHERE run_id = ?", {run_id}));
  const Json json = row ? TRY(Json::parse(row->text(0))) : TRY(journal_json(db, run_id));
  std::vector<Event> events;
  for (const Json& event : json.items()) events.push_back(TRY(event_of(event)));
  return events;
}

Result<std::optional<Store::Reusable>> Store::reusable(db::Executor& db, const std::string& key) {
  const auto row =
      TRY(db.query_one("SELECT source, result FROM workflow_reuse WHERE key = ?", {key}));
  if (!row) return std::optional<Reusable>();
  return std::optional<Reusable>({row->text(0), TRY(Json::parse(row->text(1)))});
}

Result<void> Store::offer(db::Tx& tx, const std::string& key, const std::string& from,
                          const Json& result) {
  TRY(
      tx.exec("INSERT INTO workflow_reuse (key, source, result) VALUES (?, ?, ?) "
              "ON CONFLICT (key) DO UPDATE SET source = excluded.source, result = excluded.result",
              {key, from, result.dump()}));
  return {};
}

Result<std::vector<Store::Open>> Store::open_steps(db::Executor& db, const std::string& owner) {
  const db::Rows rows =
      TRY(db.query("SELECT s.run_id, s.position, s.attempt, s.state, s.due_us "
                   "FROM workflow_run r JOIN workflow_step s ON s.run_id = r.id "
                   "WHERE r.owner = ? AND r.ended_us = 0 AND (s.state IN (?, ?) OR s.due_us > 0) "
                   "ORDER BY s.started_us, s.position",
                   {owner, to_string(State::kRunning), to_string(State::kCancelRequested)}));
  std::vector<Open> open;
  for (const db::Row& row : rows) {
    open.push_back({row.text(0), static_cast<uint32_t>(row.integer(1)),
                    static_cast<int>(row.integer(2)), TRY(state_of(row.text(3))),
                    from_micros(row.integer(4))});
  }
  return open;
}

Result<std::vector<std::pair<std::string, Timestamp>>> Store::open_deadlines(
    db::Executor& db, const std::string& owner) {
  const db::Rows rows = TRY(db.query(
      "SELECT id, due_us FROM workflow_run WHERE owner = ? AND ended_us = 0 AND due_us > 0",
      {owner}));
  std::vector<std::pair<std::string, Timestamp>> deadlines;
  for (const db::Row& row : rows) deadlines.emplace_back(row.text(0), from_micros(row.integer(1)));
  return deadlines;
}

Result<void> Store::post(db::Tx& tx, const std::string& run_id, const Json& body) {
  TRY(tx.exec("INSERT INTO workflow_letter (run_id, body) VALUES (?, ?)", {run_id, body.dump()}));
  return {};
}

Result<std::vector<Store::Letter>> Store::letters(db::Executor& db, const std::string& owner) {
  const db::Rows rows =
      TRY(db.query("SELECT l.id, l.run_id, l.body FROM workflow_letter l "
                   "JOIN workflow_run r ON r.id = l.run_id WHERE r.owner = ? ORDER BY l.id LIMIT ?",
                   {owner, kLettersMax}));
  std::vector<Letter> letters;
  for (const db::Row& row : rows) {
    letters.push_back({row.integer(0), row.text(1), TRY(Json::parse(row.text(2)))});
  }
  return letters;
}

Result<void> Store::remove_letter(db::Tx& tx, int64_t id) {
  TRY(tx.exec("DELETE FROM workflow_letter WHERE id = ?", {id}));
  return {};
}

Result<std::vector<std::string>> Store::owners(db::Executor& db) {
  const db::Rows rows = TRY(db.query("SELECT DISTINCT owner FROM workflow_run WHERE ended_us = 0"));
  std::vector<std::string> owners;
  for (const db::Row& row : rows) owners.push_back(row.text(0));
  return owners;
}

Result<std::vector<std::string>> Store::runs_of(db::Executor& db, const std::string& owner,
                                                int count_max) {
  const db::Rows rows = TRY(
      db.query("SELECT id FROM workflow_run WHERE owner = ? AND ended_us = 0 ORDER BY id LIMIT ?",
               {owner, count_max}));
  std::vector<std::string> ids;
  for (const db::Row& row : rows) ids.push_back(row.text(0));
  return ids;
}

Result<void> Store::hand_over(db::Tx& tx, const std::string& from, const std::string& to) {
  TRY(tx.exec("UPDATE workflow_run SET owner = ? WHERE owner = ? AND ended_us = 0", {to, from}));
  return {};
}

Result<bool> Store::hand_over_run(db::Tx& tx, const std::string& run_id, const std::string& from,
                                  const std::string& to) {
  return TRY(tx.exec(
             "UPDATE workflow_run SET owner = ? WHERE id = ? AND owner = ? AND ended_us = 0",
             {to, run_id, from})) == 1;
}

Result<std::vector<std::string>> Store::ended_before(db::Executor& db, Timestamp before) {
  const db::Rows rows =
      TRY(db.query("SELECT id FROM workflow_run WHERE compacted = 0 AND ended_us > 0 "
                   "AND ended_us < ? ORDER BY ended_us LIMIT ?",
                   {to_micros(before), kCompactMax}));
  std::vector<std::string> ids;
  for (const db::Row& row : rows) ids.push_back(row.text(0));
  return ids;
}

Result<void> Store::compact(db::Tx& tx, const std::string& run_id) {
  const auto loaded = TRY(load_run(tx, run_id));
  if (!loaded || !is_terminal(loaded->run.state)) return {};
  const Json events = TRY(journal_json(tx, run_id));
  Json steps = Json::array();
  for (uint32_t i = 0; i < loaded->run.steps.size(); ++i) {
    steps.push_back(step_json(loaded->run.steps[i], i));
  }
  const int64_t changed = TRY(
      tx.exec("UPDATE workflow_run SET compacted = 1 WHERE id = ? AND compacted = 0", {run_id}));
  if (changed == 0) return {};
  TRY(tx.exec("INSERT INTO workflow_history (run_id, steps, events) VALUES (?, ?, ?)",
              {run_id, steps.dump(), events.dump()}));
  TRY(tx.exec("DELETE FROM workflow_step WHERE run_id = ?", {run_id}));
  TRY(tx.exec("DELETE FROM workflow_journal WHERE run_id = ?", {run_id}));
  TRY(tx.exec("DELETE FROM workflow_signal WHERE run_id = ?", {run_id}));
  TRY(tx.exec("DELETE FROM workflow_letter WHERE run_id = ?", {run_id}));
  return {};
}

Result<void> Store::remove_run(db::Tx& tx, const std::string& run_id) {
  const auto row = TRY(tx.query_one("SELECT definition FROM workflow_run WHERE id = ?", {run_id}));
  if (!row) return {};
  for (const char* table : {"history", "step", "journal", "signal", "letter", "growth"}) {
    TRY(tx.exec(cat({"DELETE FROM workflow_", table, " WHERE run_id = ?"}), {run_id}));
  }
  TRY(tx.exec("DELETE FROM workflow_run WHERE id = ?", {run_id}));
  TRY(
      tx.exec("DELETE FROM workflow_definition WHERE hash = ? AND NOT EXISTS "
              "(SELECT 1 FROM workflow_run WHERE definition = ?)",
              {row->text(0), row->text(0)}));
  return {};
}

}  // namespace lazuli::workflow
