// SPDX-License-Identifier: Apache-2.0
#include "services/identity/revocation_store.h"

namespace lazuli::identity {

Result<void> RevocationStore::add(db::Tx& caller, const Revocation& revocation) {
  db::Tx& tx = handle_.join(caller);
  TRY(tx.exec("INSERT INTO identity_revocation (kind, subject, until_us) VALUES (?, ?, ?)",
              {revocation.kind, revocation.subject, to_micros(revocation.until)}));
  return {};
}

Result<std::vector<Revocation>> RevocationStore::after(int64_t id) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Revocation>> {
    std::vector<Revocation> found;
    for (const db::Row& row :
         TRY(reader.query("SELECT id, kind, subject, until_us FROM identity_revocation "
                          "WHERE id > ? ORDER BY id",
                          {id})))
      found.push_back({row.integer(0), row.text(1), row.text(2), from_micros(row.integer(3))});
    return found;
  });
}

Result<void> RevocationStore::drop_before(Timestamp time) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("DELETE FROM identity_revocation WHERE until_us < ?", {to_micros(time)}));
    return {};
  });
}

}  // namespace lazuli::identity
