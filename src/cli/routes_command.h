// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// Lists every route with its permission: those of the server that runs on the data directory, or
// with `declared` (and where none runs) those this program itself declares.
int routes(const std::string& data_dir, bool declared, bool json);

}  // namespace lazuli::cli
