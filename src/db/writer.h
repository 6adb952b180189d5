// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "db/connection.h"

namespace lazuli::db {

using WriteClosure = std::function<Result<void>(Tx&)>;

// The one thread that writes. It takes all closures that wait, runs each in a savepoint, commits
// once, and answers all: the cost of making data durable is shared (group commit). When a group is
// lost as a whole (serialization failure, lost connection, disk full), its closures run once more,
// each in a transaction of its own.
class Writer {
 public:
  Writer(std::unique_ptr<Connection> connection, const Options& options);
  ~Writer();

  // Blocks until the closure's effects are durable, or why they are not.
  Result<void> write(std::string_view owner, const WriteClosure& closure);
  // Runs schema statements: `action` has the connection, inside a transaction, to itself.
  Result<void> change_schema(const std::function<Result<void>(Connection&)>& action);
  void close();
  // Whether a closure or an after_commit action is the caller: waiting here would be for itself.
  bool is_own_thread() const { return std::this_thread::get_id() == thread_id_; }

 private:
  struct Request;
  using Batch = std::vector<Request*>;

  Result<void> wait(Request& request);
  void loop();
  Batch take();
  void finish(const Batch& batch);

  void execute(const Batch& batch);
  bool run_group(const Batch& batch);
  void run_alone(Request& request);
  bool try_alone(Request& request);
  void run_closure(Request& request);
  Result<void> run_in_savepoint(Request& request);
  Damage abandon();

  std::unique_ptr<Connection> connection_;
  const size_t waiting_max_;
  const Duration wait_max_;
  bool failed_ = false;  // of the writer's thread

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Request*> waiting_;
  bool closed_ = false;
  std::thread thread_;
  const std::thread::id thread_id_ = thread_.get_id();
};

}  // namespace lazuli::db
