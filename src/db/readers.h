// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "db/connection.h"

namespace lazuli::db {

using ReadClosure = std::function<Result<void>(Reader&)>;

// A bounded pool of connections for reading, each opened when it is first needed. Thread-safe.
class Readers {
 public:
  Readers(Connector connector, const Options& options);

  Result<void> read(std::string_view owner, const ReadClosure& closure);
  // Refuses new reads and waits for those that run.
  void close();

 private:
  class Lease;
  Result<std::unique_ptr<Connection>> acquire();
  void release(std::unique_ptr<Connection> connection);

  Connector connector_;
  const size_t connections_max_;
  const Duration wait_max_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> idle_;
  size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace lazuli::db
