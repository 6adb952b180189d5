// SPDX-License-Identifier: Apache-2.0
#include "db/postgres.h"

namespace lazuli::db {

Connector postgres_connector(const Options&) {
  return [](Role) -> Result<std::unique_ptr<Connection>> {
    return unimplemented("PostgreSQL is not available in this build.");
  };
}

}  // namespace lazuli::db
