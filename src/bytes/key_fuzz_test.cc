// SPDX-License-Identifier: Apache-2.0
// Any bytes as a wrapping key's record: none that nobody sealed is taken.
#include "base/testing.h"
#include "bytes/key_ring.h"

namespace lazuli::bytes {

FUZZ_TARGET(bytes_key) {
  static const SecretBytes store_key(32);
  CHECK(!parse_key_record(store_key, std::string(16, 'n'), data).ok());
}

}  // namespace lazuli::bytes
