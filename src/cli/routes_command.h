// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lazuli::cli {

// Prints every route that the services declare. Needs no running server: a house is opened on a
// temporary data directory and closed again. The exit status.
int routes(bool json);

}  // namespace lazuli::cli
