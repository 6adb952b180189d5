// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "services/storage/accounts.h"

namespace lazuli::storage {

// A user delegation key lets somebody sign a SAS with their own rights instead of an account's key
// (learn.microsoft.com/rest/api/storageservices/get-user-delegation-key).
inline constexpr auto kDelegationLifeMax = std::chrono::hours(24 * 7);

// Whose key it is and for how long, as written in the key and in each SAS signed with it.
struct DelegationTerms {
  std::string object_id, tenant_id;
  std::string start, expiry;  // ISO 8601, exactly as signed
  std::string service, version;
};

// The key of these terms, in base64. It is derived, not stored: other terms are another key, so
// that none outlives the times it was made for, and it says nothing about what its owner may do:
// that is asked each time a SAS is used.
SecretString delegation_key(const Account& account, const DelegationTerms& terms);

}  // namespace lazuli::storage
