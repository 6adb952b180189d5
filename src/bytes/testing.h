// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "bytes/bytes.h"

namespace lazuli::bytes {

// What every driver must do, as expectations of the running test. `open` opens the same, at first
// empty, store; the one it opened before is closed.
void expect_a_store(const std::function<std::unique_ptr<Store>()>& open);

}  // namespace lazuli::bytes
