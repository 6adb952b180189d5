// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "engines/workflow/model.h"
#include "engines/workflow/simulation_check.h"
#include "engines/workflow/store.h"

namespace lazuli::workflow::testing {
namespace {

class Check {
 public:
  Check(db::Database& database, const std::set<std::string>& published, Life& life)
      : sim_(database.handle("sim")),
        workflow_(database.handle("workflow")),
        published_(published),
        life_(life) {}

  void run(const std::string& id) {
    const Result<void> looked = workflow_.read([&](db::Reader& reader) -> Result<void> {
      const auto loaded = TRY(Store::load_run(reader, id));
      if (!loaded) {
        wrong(id, "an acknowledged run is gone");
        return {};
      }
      const auto events = TRY(Store::journal(reader, id));
      if (!is_terminal(loaded->run.state)) wrong(id, "it never ended");
      compare(loaded->run, events, TRY(first_definition(reader, id)));
      follow(loaded->run, events);
      return {};
    });
    if (!looked.ok()) wrong(id, looked.error().message);
  }

  void publications() {
    const auto rows = sim_.read([](db::Reader& reader) {
      return reader.query("SELECT run, step, attempt FROM sim_published");
    });
    std::set<std::string> there;
    std::map<std::string, int> of_step;
    for (const db::Row& row : rows.value()) {
      there.insert(attempt_id(row.text(0), row.text(1), static_cast<int>(row.integer(2))));
      if (++of_step[cat({row.text(0), "/", row.text(1)})] > 1) {
        wrong(row.text(0), cat({"step ", row.text(1), " was published twice"}));
      }
    }
    for (const std::string& id : published_) {
      if (!there.contains(id)) wrong(id, "an acknowledged publication is gone");
    }
    for (const std::string& id : expected_) {
      if (!there.contains(id)) wrong(id, "it succeeded without being published");
    }
    for (const std::string& id : there) {
      const std::string run = parse_attempt_id(id)->run_id;
      if (checked_.contains(run) && !expected_.contains(id)) {
        wrong(id, "it was published, but is not the attempt that counts");
      }
    }
  }

  void finish() { life_.fingerprint = to_hex(crypto::sha256(told_)); }

 private:
  void wrong(const std::string& run, std::string_view what) {
    if (life_.fault.empty()) life_.fault = cat({run, ": ", what});
  }

  static Result<Definition> first_definition(db::Reader& reader, const std::string& id) {
    const auto row =
        TRY(reader.query_one("SELECT d.body FROM workflow_run r JOIN workflow_definition d "
                             "ON d.hash = r.definition WHERE r.id = ?",
                             {id}));
    return definition_from_json(TRY(Json::parse(row->text(0))));
  }

  // The projection is the fold of the journal, and the observer saw the same.
  void compare(const RunRecord& run, const std::vector<Event>& events, const Definition& first) {
    RunRecord folded = fresh_run(run.id, first);
    for (const Event& event : events) apply(folded, event);
    if (folded.seq != run.seq) wrong(run.id, "the journal has gaps");
    if (folded.state != run.state || folded.ended != run.ended) {
      wrong(run.id, "the run is not the fold of its journal");
    }
    if (folded.steps.size() != run.steps.size()) return wrong(run.id, "steps are missing");
    for (size_t i = 0; i < run.steps.size(); ++i) {
      const StepRecord &a = folded.steps[i], &b = run.steps[i];
      const bool same = a.status.state == b.status.state && a.status.attempt == b.status.attempt &&
                        a.status.result == b.status.result && a.status.ended == b.status.ended &&
                        a.status.skipped == b.status.skipped && a.failures == b.failures &&
                        a.due == b.due && a.open == b.open && a.accepted == b.accepted &&
                        a.refused == b.refused;
      if (!same) wrong(run.id, cat({"step ", a.status.name, " is not the fold of its journal"}));
      seen(run.id, b.status);
    }
    if (folded.failed != run.failed || folded.canceled != run.canceled) {
      wrong(run.id, "what was counted differs from what is there");
    }
  }

  void seen(const std::string& run_id, const StepStatus& status) {
    if (status.state == State::kNotStarted) return;
    const auto row = sim_.read([&](db::Reader& reader) {
      return reader.query_one("SELECT state FROM sim_seen WHERE run = ? AND step = ?",
                              {run_id, status.name});
    });
    const std::string state = row.value() ? row.value()->text(0) : "";
    if (state != to_string(status.state)) {
      wrong(run_id, cat({"the observer was not told of ", status.name}));
    }
  }

  // What must hold of the order of events.
  void follow(const RunRecord& run, const std::vector<Event>& events) {
    checked_.insert(run.id);
    std::map<std::string, int> attempts;
    std::set<std::string> ended;
    std::map<std::string, std::set<std::string>> lanes;
    for (const Event& event : events) {
      told_ += cat({run.id, " ", to_string(event.kind), " ", event.step, " ",
                    std::to_string(event.attempt), " ", std::to_string(to_micros(event.at)), "\n"});
      ++life_.events;
      if (ended.contains("")) wrong(run.id, "something happened after its end");
      if (event.kind == EventKind::kRunEnded) ended.insert("");
      const auto position = run.graph->find(event.step);
      if (!position) continue;
      const Graph::Node& node = (*run.graph)[*position];
      std::set<std::string>& lane = lanes[node.step.lane];
      if (event.kind == EventKind::kScheduled) {
        if (event.attempt != ++attempts[event.step]) wrong(run.id, "attempts do not count up");
        begin(run, node, ended);
        lane.insert(event.step);
        if (!node.step.lane.empty() && lane.size() > 2) wrong(run.id, "a lane is too full");
      } else if (event.kind != EventKind::kStepsAdded && event.kind != EventKind::kStepTimedOut &&
                 event.kind != EventKind::kStepCancelRequested) {
        lane.erase(event.step);
      }
      const bool over = event.kind == EventKind::kStepEnded ||
                        event.kind == EventKind::kStepSkipped ||
                        event.kind == EventKind::kStepCanceled;
      if (over && !ended.insert(event.step).second) {
        wrong(run.id, cat({event.step, " ended twice"}));
      }
    }
    outcome(run, ended);
  }

  void begin(const RunRecord& run, const Graph::Node& node, const std::set<std::string>& ended) {
    for (const std::string& before : node.step.after) {
      if (!ended.contains(before)) {
        wrong(run.id, cat({node.step.name, " began before ", before, " had ended"}));
      }
    }
  }

  void outcome(const RunRecord& run, const std::set<std::string>& ended) {
    bool bad = false;
    for (size_t i = 0; i < run.steps.size(); ++i) {
      const StepStatus& status = run.steps[i].status;
      const Graph::Node& node = (*run.graph)[i];
      if (!ended.contains(status.name)) wrong(run.id, cat({status.name, " was left open"}));
      bad |= status.state == State::kFailed && !node.handled;
      bad |= status.state == State::kCanceled && !status.skipped;
      const bool made = status.state == State::kSucceeded && status.reused_from.empty();
      if (made && !is_built_in(node.step)) {
        expected_.insert(attempt_id(run.id, status.name, status.attempt));
      }
      const bool undoes = status.name.find("~undo") != std::string::npos;  // or was added by one
      const bool to_undo =
          made && node.step.compensation && run.state != State::kSucceeded && !undoes;
      if (to_undo && !run.graph->find(cat({status.name, "~undo"}))) {
        wrong(run.id, cat({status.name, " was not undone"}));
      }
    }
    if (run.state == State::kSucceeded && bad) wrong(run.id, "it succeeded in spite of a failure");
    if (run.state != State::kSucceeded && !bad && !run.timed_out) {
      wrong(run.id, "it did not succeed for no reason");
    }
  }

  const db::Database::Handle sim_, workflow_;
  const std::set<std::string>& published_;
  Life& life_;
  std::set<std::string> expected_, checked_;
  std::string told_;
};

}  // namespace

void check_life(db::Database& database, const std::vector<std::string>& runs,
                const std::set<std::string>& published, Life& life) {
  Check check(database, published, life);
  const auto children = database.handle("workflow").read([](db::Reader& reader) {
    return reader.query("SELECT id FROM workflow_run WHERE parent <> '' ORDER BY id");
  });
  for (const std::string& id : runs) check.run(id);
  for (const db::Row& row : children.value()) check.run(row.text(0));
  check.publications();
  check.finish();
}

}  // namespace lazuli::workflow::testing
