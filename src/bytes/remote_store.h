// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "bytes/bytes.h"
#include "bytes/object_service.h"

namespace lazuli::bytes {

struct RemoteOptions {
  std::string prefix;  // of all keys: "" or "some/folder/"
  uint64_t part_size = 8u << 20;
  std::chrono::hours upload_life = std::chrono::hours(24 * 7);  // then it was given up
};

// Keys below the prefix:
//   FORMAT         version, and a check value of the root key
//   keys/NAME      a wrapping key (key_ring.h)
//   objects/aa/ID  an object's image; ID is 32 hex digits and begins with aa
//   quarantine/ID  empty: the object was found damaged
// Several processes may use it at once. An object is one request up to the size of a part, and
// parts beyond.
Result<std::unique_ptr<Store>> open_remote(std::shared_ptr<ObjectService> service,
                                           SecretBytes root_key, RemoteOptions options = {});

}  // namespace lazuli::bytes
