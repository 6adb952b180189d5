// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lazuli::server {

struct ServeOptions {
  std::string data_dir;
  std::string listen;            // an address; empty: every loopback
  std::optional<uint16_t> port;  // absent: 443, 8443, or a free one; 0: a free one
  std::string domain;            // empty: the stored one, or lazuli.localhost
  std::string database_url;      // empty: SQLite in the data directory
  std::string bytes_url;         // empty: in the data directory (server/byte_store.h)
  int audit_days = 400;          // how long the audit log is kept
  // Private networks ("10.0.0.0/8") that connections to user-supplied destinations may reach.
  std::vector<std::string> egress_networks;
};

// Runs the server in the foreground until SIGINT or SIGTERM. The process's exit status.
int serve(const ServeOptions& options);

// With the server stopped: a new one-time code for the first person (server/setup.h).
Result<void> make_setup_code(const ServeOptions& options);

}  // namespace lazuli::server
