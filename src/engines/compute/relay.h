// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace lazuli::compute {

struct RelayOptions {
  std::string socket;  // the server's; connected to anew for each connection
  // With these, a connection begins with an HTTP CONNECT to port 443 of one of them, as clients do
  // that were given a proxy; empty: the bytes are passed on from the first.
  std::vector<std::string> proxy_for;
};

// Passes a sandbox's connections on to the server, byte by byte, both ways. A connection waits for
// a server that is just restarting. One thread: poll fd(), then call step().
class Relay {
 public:
  static Result<std::unique_ptr<Relay>> create(RelayOptions options);
  virtual ~Relay() = default;
  virtual Result<void> add_listener(Fd listener) = 0;
  virtual int fd() const = 0;  // readable when step() has work
  virtual void step() = 0;     // never blocks
};

}  // namespace lazuli::compute
