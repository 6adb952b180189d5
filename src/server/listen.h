// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lazuli::server {

struct ListenChoice {
  std::vector<std::string> addresses;  // "127.0.0.1:443", "[::1]:443"
  uint16_t port = 0;
};

// Where to listen. Without a port: 443 on every loopback family this machine has, or on none of
// them, then 8443, then a free one. Port 0 asks for a free one. `address` empty: all loopbacks.
// An error says which port is taken and what to do.
Result<ListenChoice> choose_addresses(const std::string& address, std::optional<uint16_t> port);

}  // namespace lazuli::server
