// SPDX-License-Identifier: Apache-2.0
#include "db/readers.h"

#include <algorithm>
#include <exception>

#include "base/log.h"
#include "db/transaction.h"

namespace lazuli::db {
namespace {

constexpr int kAttempts = 2;

Result<void> run_closure(Connection& connection, std::string_view owner,
                         const ReadClosure& closure) {
  Session session(connection);
  SessionReader reader(session, std::string(owner));
  try {
    TRY(closure(reader));
  } catch (const std::exception& exception) {
    log::error("db", "a read closure threw", {{"what", exception.what()}});
    return internal_error("The server met an unexpected condition.");
  }
  if (session.error()) return *session.error();
  return {};
}

}  // namespace

// A connection that goes back to the pool when its user is done with it.
class Readers::Lease {
 public:
  Lease(Readers& readers, std::unique_ptr<Connection> connection)
      : readers_(readers), connection_(std::move(connection)) {}
  ~Lease() { readers_.release(std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Connection& connection() { return *connection_; }

 private:
  Readers& readers_;
  std::unique_ptr<Connection> connection_;
};

Readers::Readers(Connector connector, const Options& options)
    : connector_(std::move(connector)),
      connections_max_(static_cast<size_t>(std::max(options.readers, 1))),
      wait_max_(options.wait_max) {}

Result<void> Readers::read(std::string_view owner, const ReadClosure& closure) {
  Lease lease(*this, TRY(acquire()));
  Connection& connection = lease.connection();
  Result<void> answer;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(connection.begin());
    answer = run_closure(connection, owner, closure);
    const bool lost = connection.damage() == Damage::kTransaction;
    connection.rollback();
    if (!lost) break;
  }
  return answer;
}

void Readers::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return lent_ == 0; });
  idle_.clear();
}

Result<std::unique_ptr<Connection>> Readers::acquire() {
  std::unique_lock lock(mutex_);
  const bool in_time = changed_.wait_for(
      lock, wait_max_, [&] { return closed_ || !idle_.empty() || lent_ < connections_max_; });
  if (closed_) return unavailable("The database is closed.");
  if (!in_time) return unavailable("Too many reads are waiting for the database; try again.");
  ++lent_;
  if (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  lock.unlock();
  auto connection = connector_(Role::kReader);
  if (!connection.ok()) release(nullptr);
  return connection;
}

void Readers::release(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  --lent_;
  if (connection) idle_.push_back(std::move(connection));
  changed_.notify_all();
}

}  // namespace lazuli::db
