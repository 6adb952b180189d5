// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "db/db.h"
#include "engines/workflow/simulation.h"

namespace lazuli::workflow::testing {

// Looks for what must never be: in journals, projections and what was published. `published` are
// the attempts whose publication was acknowledged.
void check_life(db::Database& database, const std::vector<std::string>& runs,
                const std::set<std::string>& published, Life& life);

}  // namespace lazuli::workflow::testing
