// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.h"

namespace lazuli::db {

// What one closure does: its statements in the name of the owners that take part, the first error
// (after which nothing runs any more), and the actions for after the commit.
class Session {
 public:
  explicit Session(Connection& connection) : connection_(connection) {}
  Result<Outcome> run(std::string_view owner, std::string_view sql, Params params);
  Result<Timestamp> clock(std::string_view owner);

  void after_commit(std::function<void()> action) { actions_.push_back(std::move(action)); }
  std::vector<std::function<void()>> take_actions() { return std::move(actions_); }
  const std::optional<Error>& error() const { return error_; }

 private:
  Connection& connection_;
  std::optional<Error> error_;
  std::vector<std::function<void()>> actions_;
};

// One owner's view of a session. Views of further owners, made by join(), live as long as the
// first.
class SessionTx final : public Tx {
 public:
  SessionTx(Session& session, std::string owner) : session_(session), owner_(std::move(owner)) {}
  Result<Rows> query(std::string_view sql, Params params) override;
  Result<int64_t> exec(std::string_view sql, Params params) override;
  Result<Timestamp> clock() override { return session_.clock(owner_); }
  void after_commit(std::function<void()> action) override;
  SessionTx& view(const std::string& owner);

 private:
  SessionTx(SessionTx& root, std::string owner)
      : session_(root.session_), root_(&root), owner_(std::move(owner)) {}

  Session& session_;
  SessionTx* root_ = this;
  std::string owner_;
  std::list<SessionTx> views_;
};

class SessionReader final : public Reader {
 public:
  SessionReader(Session& session, std::string owner)
      : session_(session), owner_(std::move(owner)) {}
  Result<Rows> query(std::string_view sql, Params params) override;
  Result<int64_t> exec(std::string_view sql, Params params) override;
  Result<Timestamp> clock() override { return session_.clock(owner_); }

 private:
  Session& session_;
  std::string owner_;
};

}  // namespace lazuli::db
