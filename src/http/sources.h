// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "http/socket.h"

namespace lazuli::http {

// A connection as the listener hands it on. `place` counts it for its source while it lives.
struct Accepted {
  Fd fd;
  SocketAddress peer;
  std::shared_ptr<void> place;
};

// How many connections each source has: an IPv4 address, an IPv6 /64 network (the least that one
// customer gets), or all Unix sockets. Thread-safe; outlived by what it hands out.
class Sources {
 public:
  explicit Sources(size_t each_max) : counts_(std::make_shared<Counts>()), each_max_(each_max) {}
  // Holds a place until the last copy is gone; null if the source has as many as it may.
  std::shared_ptr<void> take(const SocketAddress& peer);

 private:
  struct Counts {
    std::mutex mutex;
    std::unordered_map<std::string, size_t> by_source;
  };
  const std::shared_ptr<Counts> counts_;
  const size_t each_max_;
};

}  // namespace lazuli::http
