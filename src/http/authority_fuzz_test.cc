// SPDX-License-Identifier: Apache-2.0
// Host and port, and the addresses that the proxy may go to.
#include "base/testing.h"
#include "http/parser.h"
#include "http/socket.h"

namespace lazuli {

FUZZ_TARGET(http_authority) {
  const auto authority = http::parse_authority(data);
  if (!authority) return;
  CHECK(!authority->host.empty() && authority->host.size() <= 255);
  CHECK(!authority->port || *authority->port != 0);
  CHECK(authority->host.find_first_of("/?#@\\%\r\n\t \0") == std::string::npos);
  const auto again = http::parse_authority(authority->host);
  CHECK(again && again->host == authority->host && !again->port);
  const auto address = http::SocketAddress::parse_ip(authority->host, 443);
  if (address.ok() && address->is_loopback()) CHECK(!address->is_public());
}

}  // namespace lazuli
