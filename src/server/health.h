// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"

namespace lazuli::server {

// GET /health on any name or address, also over plain HTTP: what waits for the server asks here.
std::unique_ptr<core::Service> make_health(const core::Installation& installation,
                                           std::string isolation);

}  // namespace lazuli::server
