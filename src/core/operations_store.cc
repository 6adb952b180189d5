// SPDX-License-Identifier: Apache-2.0
#include "core/operations_store.h"

#include <condition_variable>
#include <mutex>

#include "base/ids.h"

namespace lazuli::core {
namespace {

constexpr int64_t kKeepMicros = int64_t{7} * 24 * 3600 * 1000000;

OperationStatus from_row(const db::Row& row) {
  OperationStatus status;
  status.id = row.text(0);
  status.state = static_cast<OperationState>(row.integer(1));
  status.resource_id = row.text(2);
  if (!row.is_null(3)) status.error = Error{Code::kInternal, row.text(3), row.text(4), {}, {}};
  return status;
}

class StoredOperations final : public Operations {
 public:
  explicit StoredOperations(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::string> begin(db::Tx& caller, const std::string& resource_id) override {
    db::Tx& tx = handle_.join(caller);
    std::string id = new_uuid();
    int64_t created = to_micros(now());
    TRY(tx.exec("DELETE FROM core_operation WHERE ended_us < ?", {created - kKeepMicros}));
    TRY(
        tx.exec("INSERT INTO core_operation (id, state, resource_id, created_us) "
                "VALUES (?, ?, ?, ?)",
                {id, static_cast<int>(OperationState::kInProgress), resource_id, created}));
    return id;
  }

  Result<void> finish(db::Tx& caller, const std::string& id, std::optional<Error> error) override {
    db::Tx& tx = handle_.join(caller);
    OperationState state = error ? OperationState::kFailed : OperationState::kSucceeded;
    std::optional<std::string> code, message;
    if (error) code = error->wire_code, message = error->message;
    TRY(
        tx.exec("UPDATE core_operation SET state = ?, error_code = ?, error_message = ?, "
                "ended_us = ? WHERE id = ? AND state = 0",
                {static_cast<int>(state), code, message, to_micros(now()), id}));
    tx.after_commit([this] {
      std::lock_guard lock(mutex_);
      ++generation_;
      changed_.notify_all();
    });
    return {};
  }

  Result<OperationStatus> get(const std::string& id) override {
    return handle_.read([&](db::Reader& reader) -> Result<OperationStatus> {
      auto row = TRY(reader.query_one(
          "SELECT id, state, resource_id, error_code, error_message FROM core_operation "
          "WHERE id = ?",
          {id}));
      if (!row) return not_found("no operation " + id, "OperationNotFound");
      return from_row(*row);
    });
  }

  Result<OperationStatus> wait(const std::string& id, Duration timeout) override {
    auto deadline = SteadyClock::now() + timeout;
    for (;;) {
      uint64_t seen;
      {
        std::lock_guard lock(mutex_);
        seen = generation_;
      }
      OperationStatus status = TRY(get(id));
      if (status.state != OperationState::kInProgress) return status;
      std::unique_lock lock(mutex_);
      if (!changed_.wait_until(lock, deadline, [&] { return generation_ != seen; })) return status;
    }
  }

 private:
  db::Database::Handle handle_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t generation_ = 0;
};

}  // namespace

std::unique_ptr<Operations> make_operations(db::Database::Handle handle) {
  return std::make_unique<StoredOperations>(std::move(handle));
}

std::vector<db::Migration> operations_migrations() {
  return {{"core", 1,
           "CREATE TABLE core_operation (id {text} PRIMARY KEY, state {int} NOT NULL, "
           "resource_id {text} NOT NULL, error_code {text}, error_message {text}, "
           "created_us {int} NOT NULL, ended_us {int})"}};
}

}  // namespace lazuli::core
