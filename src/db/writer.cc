// SPDX-License-Identifier: Apache-2.0
#include "db/writer.h"

#include <algorithm>
#include <exception>

#include "base/log.h"
#include "db/transaction.h"

namespace lazuli::db {
namespace {

constexpr size_t kBatchMax = 256;
constexpr int kAttemptsAlone = 3;
constexpr auto kPauseBetweenAttempts = std::chrono::milliseconds(5);

Error closed_error() { return unavailable("The database is closed."); }
// What a disk did not take although it said so, nobody knows: going on could build upon it.
Error storage_error() {
  return unavailable("The database's storage failed; the server must be restarted.");
}

}  // namespace

struct Writer::Request {
  std::function<Result<void>(Connection&, Request&)> work;
  bool needs_transaction_of_its_own = false;
  Result<void> answer;
  std::vector<std::function<void()>> actions;

  // Guarded by the writer's mutex.
  enum class State { kWaiting, kTaken, kDone };
  State state = State::kWaiting;
  std::condition_variable changed;
};

Writer::Writer(std::unique_ptr<Connection> connection, const Options& options)
    : connection_(std::move(connection)),
      waiting_max_(options.waiting_writes_max),
      wait_max_(options.wait_max),
      thread_([this] { loop(); }) {}

Writer::~Writer() { close(); }

void Writer::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> Writer::write(std::string_view owner, const WriteClosure& closure) {
  Request request;
  request.work = [&](Connection& connection, Request& self) -> Result<void> {
    Session session(connection);
    SessionTx tx(session, std::string(owner));
    Result<void> result = closure(tx);
    if (result.ok() && session.error()) result = *session.error();
    self.actions = session.take_actions();
    return result;
  };
  return wait(request);
}

Result<void> Writer::change_schema(const std::function<Result<void>(Connection&)>& action) {
  Request request;
  request.work = [&](Connection& connection, Request&) { return action(connection); };
  request.needs_transaction_of_its_own = true;
  return wait(request);
}

Result<void> Writer::wait(Request& request) {
  using State = Request::State;
  if (is_own_thread()) return internal_error("a write waits for a write");
  const auto deadline = SteadyClock::now() + wait_max_;
  std::unique_lock lock(mutex_);
  if (closed_) return closed_error();
  if (waiting_.size() >= waiting_max_) {
    return unavailable("Too many writes are waiting for the database; try again.");
  }
  waiting_.push_back(&request);
  if (waiting_.size() == 1) work_.notify_one();
  while (request.state == State::kWaiting) {
    if (request.changed.wait_until(lock, deadline) == std::cv_status::timeout &&
        request.state == State::kWaiting) {
      waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &request));
      return deadline_exceeded("The write waited too long for its turn.");
    }
  }
  // Once begun it is too late to give up: the closure uses the caller's frame.
  request.changed.wait(lock, [&] { return request.state == State::kDone; });
  return std::move(request.answer);
}

void Writer::loop() {
  for (;;) {
    Batch batch = take();
    if (batch.empty()) return;
    execute(batch);
    finish(batch);
  }
}

// The next closures in order; none when the writer is closed and all are done.
Writer::Batch Writer::take() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
  Batch batch;
  while (!waiting_.empty() && batch.size() < kBatchMax) {
    Request* request = waiting_.front();
    if (request->needs_transaction_of_its_own && !batch.empty()) break;
    request->state = Request::State::kTaken;
    waiting_.pop_front();
    batch.push_back(request);
    if (request->needs_transaction_of_its_own) break;
  }
  return batch;
}

void Writer::finish(const Batch& batch) {
  for (Request* request : batch) {
    if (!request->answer.ok()) continue;
    for (auto& action : request->actions) action();
  }
  // Notified under the lock: the moment it is free, a request may be gone with its caller's frame.
  std::lock_guard lock(mutex_);
  for (Request* request : batch) {
    request->state = Request::State::kDone;
    request->changed.notify_one();
  }
}

void Writer::execute(const Batch& batch) {
  if (batch.size() > 1 && run_group(batch)) return;
  for (Request* request : batch) run_alone(*request);
}

// True when every request has its final answer.
bool Writer::run_group(const Batch& batch) {
  auto answer_all = [&](const Error& error) {
    for (Request* request : batch) request->answer = error;
    return true;
  };
  if (failed_) return answer_all(storage_error());
  if (auto begun = connection_->begin(); !begun.ok()) return answer_all(begun.error());
  Result<void> done;
  bool anything_to_commit = false;
  for (Request* request : batch) {
    done = run_in_savepoint(*request);
    if (!done.ok() || connection_->damage() != Damage::kNone) break;
    anything_to_commit |= request->answer.ok();
  }
  if (done.ok() && connection_->damage() == Damage::kNone) {
    if (anything_to_commit) done = connection_->commit();
    if (done.ok() && anything_to_commit) return true;
  }
  switch (abandon()) {
    case Damage::kNone:
      return done.ok() ? true : answer_all(done.error());
    case Damage::kTransaction:
      return false;
    case Damage::kStore:
      return answer_all(storage_error());
  }
  return false;
}

// The closure's result is in its request; an error here concerns the group.
Result<void> Writer::run_in_savepoint(Request& request) {
  TRY(connection_->savepoint());
  run_closure(request);
  if (connection_->damage() != Damage::kNone) return {};
  return request.answer.ok() ? connection_->release_savepoint()
                             : connection_->rollback_to_savepoint();
}

void Writer::run_alone(Request& request) {
  for (int attempt = 1; attempt <= kAttemptsAlone; ++attempt) {
    if (try_alone(request)) return;
    std::this_thread::sleep_for(kPauseBetweenAttempts * attempt);
  }
  if (!request.answer.ok() && request.answer.error().code == Code::kUnavailable) return;
  request.answer = unavailable("The write collided with others too often; try again.");
}

// False when the transaction was lost and may be tried again.
bool Writer::try_alone(Request& request) {
  request.answer = failed_ ? storage_error() : connection_->begin();
  if (!request.answer.ok()) return true;
  run_closure(request);
  if (request.answer.ok() && connection_->damage() == Damage::kNone) {
    request.answer = connection_->commit();
    if (request.answer.ok()) return true;
  }
  const Damage damage = abandon();
  if (damage == Damage::kStore) request.answer = storage_error();
  return damage != Damage::kTransaction;
}

// Ends a transaction that is not to be committed; says how much went with it.
Damage Writer::abandon() {
  const Damage damage = connection_->damage();
  connection_->rollback();
  failed_ |= damage == Damage::kStore;
  return damage;
}

void Writer::run_closure(Request& request) {
  request.actions.clear();
  try {
    request.answer = request.work(*connection_, request);
  } catch (const std::exception& exception) {
    log::error("db", "a write closure threw", {{"what", exception.what()}});
    request.answer = internal_error("The server met an unexpected condition.");
  }
}

}  // namespace lazuli::db
