// SPDX-License-Identifier: Apache-2.0
#include "base/testing.h"
#include "services/storage/wire.h"

namespace lazuli {

FUZZ_TARGET(storage_block_list) {
  const auto list = storage::parse_block_list(std::string(data));
  if (!list.ok()) CHECK(list.error().code == Code::kInvalidArgument);
}

}  // namespace lazuli
