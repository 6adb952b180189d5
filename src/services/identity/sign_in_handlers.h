// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/identity/oauth.h"
#include "services/identity/sign_in_store.h"

namespace lazuli::identity {

// Graph's list of sign-ins, newest first: GET auditLogs/signIns with $top and $skiptoken.
Answer list_sign_ins(SignInStore& store, Context& context);

}  // namespace lazuli::identity
