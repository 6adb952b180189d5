// SPDX-License-Identifier: Apache-2.0
#include "db/transaction.h"

namespace lazuli::db {

Result<Outcome> Session::run(std::string_view owner, std::string_view sql, Params params) {
  if (error_) return *error_;
  auto outcome = [&]() -> Result<Outcome> {
    TRY(check_statement(sql));
    TRY(check_params(params));
    return connection_.run(owner, sql, params);
  }();
  if (!outcome.ok()) error_ = outcome.error();
  return outcome;
}

// SQLite's clock is the machine's.
Result<Timestamp> Session::clock(std::string_view owner) {
  if (connection_.dialect() == Dialect::kSqlite) return now();
  const Outcome outcome =
      TRY(run(owner, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)", {}));
  return from_micros(outcome.rows.at(0).integer(0));
}

Result<Rows> SessionTx::query(std::string_view sql, Params params) {
  return TRY(session_.run(owner_, sql, params)).rows;
}

Result<int64_t> SessionTx::exec(std::string_view sql, Params params) {
  return TRY(session_.run(owner_, sql, params)).changed;
}

void SessionTx::after_commit(std::function<void()> action) {
  session_.after_commit(std::move(action));
}

SessionTx& SessionTx::view(const std::string& owner) {
  if (owner == owner_) return *this;
  if (root_ != this) return root_->view(owner);
  for (SessionTx& view : views_) {
    if (view.owner_ == owner) return view;
  }
  return views_.emplace_back(SessionTx(*this, owner));
}

Result<Rows> SessionReader::query(std::string_view sql, Params params) {
  return TRY(session_.run(owner_, sql, params)).rows;
}

Result<int64_t> SessionReader::exec(std::string_view sql, Params params) {
  return TRY(session_.run(owner_, sql, params)).changed;
}

}  // namespace lazuli::db
