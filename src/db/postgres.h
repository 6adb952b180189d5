// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/connection.h"

namespace lazuli::db {

// Connections to the PostgreSQL database that `options.url` describes, in any form libpq takes.
Connector postgres_connector(const Options& options);

}  // namespace lazuli::db
