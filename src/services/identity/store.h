// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "db/db.h"

namespace lazuli::identity {

// The tables of the service; who reads and writes which: key_store.h, revocation_store.h,
// session_store.h, sign_in_store.h.
struct Store {
  static std::vector<db::Migration> migrations();
};

}  // namespace lazuli::identity
