// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "db/db.h"

namespace lazuli::db {

// Who holds a name, and the how-manieth holder that is: the epoch only rises, also when the same
// holder comes back. A write of the holder that carries the epoch (holds(), within the same
// transaction) cannot come from one who was replaced meanwhile.
struct Lease {
  std::string name, holder;
  int64_t epoch = 0;
};

// Leases of one owner, by the database's clock: an expired one may be taken by anybody. All join
// the caller's transaction; `tx` is the owner's own view. Thread-safe.
class Leases {
 public:
  using Clock = std::function<Result<Timestamp>(Executor&)>;
  explicit Leases(const std::string& owner, Clock clock = &Executor::clock)
      : table_(owner + "_lease"), clock_(std::move(clock)) {}
  // The DDL of the owner's table, for its migrations.
  static std::string schema(const std::string& owner);

  // None while somebody else holds it.
  Result<std::optional<Lease>> acquire(Tx& tx, const std::string& name, const std::string& holder,
                                       Duration time) const;
  // False: it has become another's, or has been given up.
  Result<bool> renew(Tx& tx, const Lease& lease, Duration time) const;
  Result<bool> holds(Executor& db, const Lease& lease) const;
  // The next holder need not wait. Of a lease that was lost: nothing.
  Result<void> release(Tx& tx, const Lease& lease) const;
  // Those whose holders fell silent, not those given up.
  Result<std::vector<Lease>> expired(Executor& db) const;

 private:
  const std::string table_;
  const Clock clock_;
};

}  // namespace lazuli::db
