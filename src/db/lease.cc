// SPDX-License-Identifier: Apache-2.0
#include "db/lease.h"

#include "base/strings.h"

namespace lazuli::db {

std::string Leases::schema(const std::string& owner) {
  return cat({"CREATE TABLE ", owner,
              "_lease (name {text} PRIMARY KEY, holder {text} NOT NULL, epoch {int} NOT NULL, "
              "expires_us {int} NOT NULL);"});
}

Result<std::optional<Lease>> Leases::acquire(Tx& tx, const std::string& name,
                                             const std::string& holder, Duration time) const {
  const int64_t at = to_micros(TRY(clock_(tx)));
  const Rows rows = TRY(tx.query(
      cat({"INSERT INTO ", table_, " AS l (name, holder, epoch, expires_us) VALUES (?, ?, 1, ?) ",
           "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = l.epoch + 1, "
           "expires_us = excluded.expires_us WHERE l.expires_us <= ? OR l.holder = ? "
           "RETURNING epoch"}),
      {name, holder, at + time.count(), at, holder}));
  if (rows.empty()) return std::optional<Lease>();
  return std::optional<Lease>(Lease{name, holder, rows.front().integer(0)});
}

Result<bool> Leases::renew(Tx& tx, const Lease& lease, Duration time) const {
  const int64_t at = to_micros(TRY(clock_(tx)));
  const int64_t changed =
      TRY(tx.exec(cat({"UPDATE ", table_, " SET expires_us = ? WHERE name = ? AND epoch = ? AND ",
                       "expires_us > 0"}),
                  {at + time.count(), lease.name, lease.epoch}));
  return changed == 1;
}

Result<bool> Leases::holds(Executor& db, const Lease& lease) const {
  const auto row = TRY(db.query_one(
      cat({"SELECT 1 FROM ", table_, " WHERE name = ? AND epoch = ? AND ", "expires_us > 0"}),
      {lease.name, lease.epoch}));
  return row.has_value();
}

Result<void> Leases::release(Tx& tx, const Lease& lease) const {
  TRY(tx.exec(cat({"UPDATE ", table_, " SET expires_us = 0 WHERE name = ? AND epoch = ?"}),
              {lease.name, lease.epoch}));
  return {};
}

Result<std::vector<Lease>> Leases::expired(Executor& db) const {
  const int64_t at = to_micros(TRY(clock_(db)));
  const Rows rows = TRY(db.query(cat({"SELECT name, holder, epoch FROM ", table_,
                                      " WHERE expires_us > 0 AND expires_us <= ? ORDER BY name"}),
                                 {at}));
  std::vector<Lease> leases;
  for (const Row& row : rows) leases.push_back({row.text(0), row.text(1), row.integer(2)});
  return leases;
}

}  // namespace lazuli::db
