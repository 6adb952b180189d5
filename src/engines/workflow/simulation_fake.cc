// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "base/ids.h"
#include "base/strings.h"
#include "db/crash_disk.h"
#include "engines/workflow/nodes.h"
#include "engines/workflow/simulation.h"
#include "engines/workflow/simulation_check.h"

namespace lazuli::workflow::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kNodes = 2;
constexpr int kActions = 120;
constexpr int kPatience = 600;  // actions without faults after which everything must have ended

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}
  int below(int count) { return static_cast<int>(random_() % static_cast<uint64_t>(count)); }
  bool percent(int share) { return below(100) < share; }
  uint64_t number() { return random_(); }

 private:
  std::mt19937_64 random_;
};

// ---- definitions ------------------------------------------------------------------------------

Definition small_child(Chance& chance) {
  Definition child;
  child.steps.push_back({.name = "first", .kind = "work", .params = {}, .after = {}});
  if (chance.percent(50)) {
    child.steps.push_back({.name = "second", .kind = "work", .params = {}, .after = {"first"}});
  }
  child.result_step = "first";
  return child;
}

void choose_kind(Chance& chance, Step& step) {
  const int kind = chance.below(100);
  step.kind = kind < 80 ? "work" : kind < 87 ? kWait : kind < 94 ? kSignal : kChild;
  if (step.kind == kWait) step.params = Json::object({{"us", 1 + chance.below(5'000'000)}});
  if (step.kind == kSignal) step.params = Json::object({{"name", "go"}});
  if (step.kind == kChild) step.params = to_json(small_child(chance));
}

Step random_step(Chance& chance, const std::string& name, const std::vector<std::string>& before) {
  Step step{.name = name, .kind = "work", .params = {}, .after = {}};
  choose_kind(chance, step);
  for (const std::string& each : before) {
    if (chance.percent(30)) step.after.push_back(each);
  }
  step.attempts_max = 1 + chance.below(3);
  if (chance.percent(50)) step.backoff.first = seconds(1);
  if (chance.percent(20)) step.timeout = seconds(3);
  for (const std::string& each : step.after) {
    if (!chance.percent(20)) continue;
    step.accept[each] = {.succeeded = chance.percent(50),
                         .failed = chance.percent(70),
                         .skipped = chance.percent(50),
                         .canceled = chance.percent(50)};
  }
  if (chance.percent(10)) step.need = Need::kAny;
  if (chance.percent(25)) step.lane = "two";
  if (chance.percent(30)) step.compensation = Compensation{"work", {}};
  if (step.kind == "work" && chance.percent(10)) {
    step.reuse_key = cat({"key", std::to_string(chance.below(3))});
  }
  return step;
}

Definition random_definition(Chance& chance) {
  Definition definition;
  std::vector<std::string> names;
  const int count = 2 + chance.below(8);
  for (int i = 0; i < count; ++i) {
    const std::string name = cat({"s", std::to_string(i)});
    definition.steps.push_back(random_step(chance, name, names));
    names.push_back(name);
  }
  definition.lanes["two"] = 2;
  definition.continue_on_failure = chance.percent(50);
  if (chance.percent(10)) definition.timeout = seconds(30);
  return definition;
}

// ---- what attempts do -------------------------------------------------------------------------

// An attempt's work goes on outside of the server, whatever becomes of the server.
struct Work {
  std::string step;
  int number = 0;
  int node = 0;
  bool cancelled = false;
};

struct World {
  explicit World(uint64_t seed) : chance(seed) {}
  Chance chance;
  Timestamp time = from_micros(1'700'000'000'000'000);
  std::map<std::string, Work> open;  // by attempt
  std::vector<std::string> told;     // attempts whose end was told, for telling it again
  std::set<std::string> published;   // acknowledged
  std::vector<std::string> runs;     // acknowledged
  bool calm = false;                 // no more faults
  bool observer_fails = false;
};

class SimExecutor final : public Executor {
 public:
  SimExecutor(World& world, int node) : world_(world), node_(node) {}
  Result<void> start(const Attempt& attempt) override {
    if (!world_.calm && world_.chance.percent(5)) return unavailable("cannot begin");
    Work& work = world_.open[attempt.id];
    work = {attempt.step.name, attempt.number, node_, early_.contains(attempt.id)};
    return {};
  }
  void cancel(const std::string& attempt_id) override {
    const auto found = world_.open.find(attempt_id);
    if (found == world_.open.end()) {
      early_.insert(attempt_id);
    } else {
      found->second.cancelled = true;
    }
  }

 private:
  World& world_;
  const int node_;
  std::set<std::string> early_;
};

class SimObserver final : public Observer {
 public:
  SimObserver(World& world, db::Database::Handle handle)
      : world_(world), handle_(std::move(handle)) {}
  Result<void> on_step(db::Tx& tx, const std::string& run_id, const StepStatus& step) override {
    return put(tx, run_id, step.name, step.state);
  }
  Result<void> on_run(db::Tx& tx, const RunStatus& run) override {
    return put(tx, run.id, "", run.state);
  }

 private:
  Result<void> put(db::Tx& tx, const std::string& run, const std::string& step, State state) {
    if (world_.observer_fails) return internal_error("the observer fails");
    TRY(
        handle_.join(tx).exec("INSERT INTO sim_seen (run, step, state) VALUES (?, ?, ?) "
                              "ON CONFLICT (run, step) DO UPDATE SET state = excluded.state",
                              {run, step, to_string(state)}));
    return {};
  }
  World& world_;
  const db::Database::Handle handle_;
};

// One server's engine. Two of them are two processes.
struct Node {
  Node(World& world, db::Database& database, int number)
      : executor(world, number),
        observer(world, database.handle("sim")),
        machine(database.handle("workflow"),
                {.clock = [&world] { return world.time; },
                 .emit = [this](Effect e) { todo.push_back(e); },
                 .timer_changed = [] {},
                 .may_own = [this](db::Tx& tx) { return nodes.holds(tx); }}),
        nodes(database.handle("workflow"),
              {.node = cat({"node", std::to_string(number)}), .shared = true},
              [&world](db::Executor&) -> Result<Timestamp> { return world.time; }) {
    machine.add_executor("work", executor);
    machine.set_observer(observer, "");
  }
  SimExecutor executor;
  SimObserver observer;
  Machine machine;
  Nodes nodes;
  std::vector<Effect> todo;
  bool joined = false;
  bool begun_before = false;
};

// ---- one life ---------------------------------------------------------------------------------

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : world_(seed) {
    fs::create_directories(folder_);
    open();
    for (int i = 0; i < kNodes; ++i) begin_node(i);
  }
  ~Simulation() {
    close();
    fs::remove_all(folder_);
  }

  Life live() {
    for (int i = 0; i < kActions; ++i) act();
    world_.calm = true;
    world_.observer_fails = false;
    for (int i = 0; i < kPatience && !all_ended(); ++i) settle(i);
    life_.runs = static_cast<int>(world_.runs.size());
    check_life(*database_, world_.runs, world_.published, life_);
    return life_;
  }

 private:
  void open() {
    db::Options options{.url = cat({"sqlite:", folder_, "/state.db"})};
    options.sqlite_vfs = disk_.vfs_name();
    database_ = db::Database::open(options).value();
    std::vector<db::Migration> all = Engine::migrations();
    all.push_back({"sim", 1,
                   "CREATE TABLE sim_seen (run {text} NOT NULL, step {text} NOT NULL, "
                   "state {text} NOT NULL, PRIMARY KEY (run, step)); "
                   "CREATE TABLE sim_published (run {text} NOT NULL, step {text} NOT NULL, "
                   "attempt {int} NOT NULL)"});
    database_->migrate(all).value();
  }
  void close() {
    for (auto& node : nodes_) node.reset();
    database_.reset();
  }
  void begin_node(int i) {
    nodes_[i] = std::make_unique<Node>(world_, *database_, i);
    join(*nodes_[i]);
  }
  void join(Node& node) {
    node.joined = node.nodes.join(node.machine, node.begun_before).ok();
    node.begun_before |= node.joined;
  }
  Node& any_node() { return *nodes_[world_.chance.below(kNodes)]; }

  // Something happens.
  void act() {
    const int what = world_.chance.below(100);
    if (what < 8) return submit();
    if (what < 38) return perform(any_node());
    if (what < 68) return end_some_attempt();
    if (what < 73) return tell_again();
    if (what < 83) return pass_time();
    if (what < 86) return cancel();
    if (what < 89) return signal();
    if (what < 93) return keep_leases();
    if (what < 95) return node_dies();
    if (what < 97) return lose_power();
    if (what < 99) return fall_silent();
    world_.observer_fails = !world_.observer_fails;
  }

  // Nothing fails any more; everything must come to its end.
  void settle(int i) {
    for (auto& node : nodes_) {
      if (!node->joined) join(*node);
      for (size_t left = node->todo.size(); left > 0; --left) perform(*node);
      (void)node->machine.fire_due();
    }
    const std::map<std::string, Work> open = world_.open;
    for (const auto& [id, work] : open) tell_end(id, work);
    if (i % 4 == 3) keep_leases();
    if (i % 8 == 7) signal();
    world_.time += seconds(1);
  }

  void submit() {
    if (world_.runs.size() >= 6) return;
    const std::string id = cat({"run", std::to_string(++submitted_)});
    const Definition definition = random_definition(world_.chance);
    Node& node = any_node();
    const Result<void> done = database_->handle("sim").write(
        [&](db::Tx& tx) { return node.machine.submit(tx, id, definition); });
    if (done.ok()) world_.runs.push_back(id);
  }

  void perform(Node& node) {
    if (node.todo.empty()) return;
    const auto at = node.todo.begin() + world_.chance.below(static_cast<int>(node.todo.size()));
    const Effect effect = *at;
    node.todo.erase(at);
    if (!node.machine.perform(effect).ok()) node.todo.push_back(effect);
  }

  void end_some_attempt() {
    if (world_.open.empty()) return;
    auto at = world_.open.begin();
    std::advance(at, world_.chance.below(static_cast<int>(world_.open.size())));
    end_attempt(at->first);
  }

  Outcome random_outcome(const std::string& attempt_id, bool cancelled) {
    const int how = world_.chance.below(100);
    if (cancelled && how < 80) return {State::kCanceled, {}, {}};
    Outcome outcome{State::kSucceeded, Json::object({{"by", attempt_id}}), {}};
    if (how < 20) {
      outcome = {State::kFailed, {}, invalid_argument("failed", "UserError")};
      outcome.retry = world_.chance.percent(80);
    } else if (how < 23) {
      outcome = {State::kCanceled, {}, {}};
    } else if (how < 33) {
      const std::string step = parse_attempt_id(attempt_id)->step;
      std::vector<std::string> names;
      for (int i = 0; i <= world_.chance.below(3); ++i) {
        const std::string name = cat({step, "+", std::to_string(i)});
        if (name.size() > 12) break;
        outcome.more.push_back(random_step(world_.chance, name, names));
        outcome.more.back().lane.clear();
        names.push_back(name);
      }
    }
    return outcome;
  }

  void end_attempt(const std::string& attempt_id) {
    const Work work = world_.open.at(attempt_id);
    tell_end(attempt_id, work);
  }

  void tell_end(const std::string& id, const Work& work) {
    const Outcome outcome = random_outcome(id, work.cancelled);
    const AttemptId parsed = parse_attempt_id(id).value();
    const bool no_room = !world_.calm && world_.chance.percent(4);
    bool counted = false;
    const Result<void> done =
        nodes_[work.node]->machine.complete(id, outcome, [&](db::Tx& tx) -> Result<void> {
          if (no_room) return internal_error("no room");
          counted = true;
          TRY(database_->handle("sim").join(tx).exec(
              "INSERT INTO sim_published (run, step, attempt) VALUES (?, ?, ?)",
              {parsed.run_id, parsed.step, parsed.number}));
          return {};
        });
    if (done.ok() && counted) world_.published.insert(id);
    const bool reply_lost = !world_.calm && world_.chance.percent(8);
    if (!done.ok() || reply_lost) return;  // it will say so again
    world_.told.push_back(id);
    world_.open.erase(id);
  }

  void tell_again() {
    if (world_.told.empty()) return;
    const std::string id =
        world_.told[static_cast<size_t>(world_.chance.below(static_cast<int>(world_.told.size())))];
    const auto open = world_.open.find(id);
    const std::optional<Work> work =
        open == world_.open.end() ? std::nullopt : std::optional<Work>(open->second);
    tell_end(id, {parse_attempt_id(id)->step, 0, world_.chance.below(kNodes), false});
    if (work) world_.open[id] = *work;
  }

  void pass_time() {
    Node& node = any_node();
    const auto due = node.machine.next_due();
    if (due && *due > world_.time && world_.chance.percent(60)) {
      world_.time = *due;
    } else {
      world_.time += milliseconds(world_.chance.below(1500));
    }
    (void)node.machine.fire_due();
  }

  void cancel() {
    if (world_.runs.empty() || world_.chance.percent(60)) return;
    const std::string& id = any_run();
    (void)database_->handle("sim").write(
        [&](db::Tx& tx) { return any_node().machine.cancel(tx, id); });
  }
  void signal() {
    const auto rows = database_->handle("workflow").read([](db::Reader& reader) {
      return reader.query("SELECT id FROM workflow_run WHERE ended_us = 0 ORDER BY id");
    });
    if (!rows.ok()) return;
    for (const db::Row& row : *rows) {
      Node& node = any_node();
      (void)database_->handle("sim").write(
          [&](db::Tx& tx) { return node.machine.signal(tx, row.text(0), "go", Json(1)); });
      if (!world_.calm) return;
    }
  }
  const std::string& any_run() {
    return world_
        .runs[static_cast<size_t>(world_.chance.below(static_cast<int>(world_.runs.size())))];
  }

  // What a node's threads do in turn.
  void keep_leases() {
    for (auto& node : nodes_) {
      if (!node->joined) {
        join(*node);
        continue;
      }
      const Result<bool> alive = node->nodes.beat();
      if (alive.ok() && !*alive) {
        ++life_.takeovers;
        node->machine.forsake();
        node->todo.clear();
        join(*node);
      }
      (void)node->nodes.take_over(node->machine);
      (void)node->machine.read_letters();
    }
  }

  // A process ends; what its attempts do goes on without it.
  void node_dies() {
    ++life_.crashes;
    const int i = world_.chance.below(kNodes);
    nodes_[i].reset();
    begin_node(i);
  }

  // All processes end, and the disk with what was not synced.
  void lose_power() {
    ++life_.crashes;
    disk_.cut_power();
    for (int i = world_.chance.below(4); i > 0; --i) end_some_attempt();
    close();
    disk_.restore(world_.chance.number());
    open();
    for (int i = 0; i < kNodes; ++i) begin_node(i);
  }

  // One node stops where it is, for longer than its lease, and later goes on as if nothing were.
  void fall_silent() {
    const int silent = world_.chance.below(kNodes);
    Node& other = *nodes_[1 - silent];
    world_.time += seconds(5);
    if (other.joined) (void)other.nodes.beat();
    world_.time += seconds(2);
    if (other.joined) (void)other.nodes.take_over(other.machine);
    for (int i = world_.chance.below(6); i > 0; --i) perform(*nodes_[silent]);
    for (int i = world_.chance.below(6); i > 0; --i) end_some_attempt();
    (void)nodes_[silent]->machine.fire_due();
  }

  bool all_ended() {
    for (const std::string& id : world_.runs) {
      const auto status = nodes_[0]->machine.status(id);
      if (!status.ok() || !is_terminal(status->state)) return false;
    }
    return true;
  }

  World world_;
  const std::string folder_ =
      cat({fs::exists("/dev/shm") ? "/dev/shm" : "/tmp", "/lazuli-sim-", random_name(12)});
  db::testing::CrashDisk disk_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<Node> nodes_[kNodes];
  int submitted_ = 0;
  Life life_;
};

}  // namespace

Life simulate(uint64_t seed) {
  Simulation simulation(seed);
  return simulation.live();
}

}  // namespace lazuli::workflow::testing
