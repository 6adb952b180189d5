// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/identity/key_ring.h"
#include "services/identity/oauth.h"
#include "services/identity/revocations.h"

namespace lazuli::identity {

// What the handlers of the token service's own administration work with.
struct KeyParts {
  db::Database::Handle handle;
  KeyRing& keys;
  Revocations& revocations;
};

// The signing keys, without their secrets.
Answer list_signing_keys(const KeyParts& parts, Context& context);
// {"atOnce": true}: the new keys sign from now on, not only when whoever caches keys knows them.
Answer rotate_signing_keys(const KeyParts& parts, Context& context);
// Ends all tokens that the key has signed; not of a key that signs.
Answer delete_signing_key(const KeyParts& parts, Context& context);
// {"uti": …}: ends one token.
Answer revoke_token(const KeyParts& parts, Context& context);

}  // namespace lazuli::identity
