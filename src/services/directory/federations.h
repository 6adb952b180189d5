// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/directory/credential_store.h"

namespace lazuli::directory {

// What a client writes of a federated credential: issuer (https), subject and exactly one audience.
// Source: https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
Result<void> write_federation(const Json& body, KeptFederation& federation);
// At most 20 per application or identity.
Result<void> check_federation_room(db::Executor& db, const Object& holder);

}  // namespace lazuli::directory
