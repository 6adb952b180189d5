// SPDX-License-Identifier: Apache-2.0
#include "services/identity/sign_in_store.h"

namespace lazuli::identity {

Result<void> SignInStore::add(const SignIn& s) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(
        tx.exec("INSERT INTO identity_sign_in (time_us, object_id, name, app_id, resource, "
                "grant_type, peer, agent, request_id, error, failure) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                {to_micros(s.time), s.object_id, s.name, s.app_id, s.resource, s.grant, s.peer,
                 s.agent, s.request_id, s.error, s.failure}));
    return {};
  });
}

Result<std::vector<SignIn>> SignInStore::latest(size_t count, int64_t before) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<SignIn>> {
    std::vector<SignIn> found;
    for (const db::Row& row : TRY(reader.query(
             "SELECT id, time_us, object_id, name, app_id, resource, grant_type, peer, agent, "
             "request_id, error, failure FROM identity_sign_in WHERE (? = 0 OR id < ?) "
             "ORDER BY id DESC LIMIT ?",
             {before, before, count})))
      found.push_back({row.integer(0), from_micros(row.integer(1)), row.text(2), row.text(3),
                       row.text(4), row.text(5), row.text(6), row.text(7), row.text(8), row.text(9),
                       row.integer(10), row.text(11)});
    return found;
  });
}

Result<void> SignInStore::drop_before(Timestamp time, size_t kept_max) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("DELETE FROM identity_sign_in WHERE time_us < ?", {to_micros(time)}));
    auto newest = TRY(tx.query_one("SELECT MAX(id) FROM identity_sign_in"));
    if (newest && !newest->is_null(0))
      TRY(tx.exec("DELETE FROM identity_sign_in WHERE id <= ?",
                  {newest->integer(0) - static_cast<int64_t>(kept_max)}));
    return {};
  });
}

}  // namespace lazuli::identity
