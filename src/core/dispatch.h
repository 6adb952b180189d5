// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/manifest.h"
#include "core/principal.h"
#include "http/message.h"

namespace lazuli::core {

// A request that one service makes of another's route. `target` is on the management host:
// "/subscriptions/…?api-version=…".
struct InnerRequest {
  http::Method method = http::Method::kGet;
  std::string target;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  uint16_t port = 443;  // absolute URLs in the answer carry it
};

// Requests within the process: the chain a request from outside goes through, behind
// authentication. The caller's own rights decide, not the asking service's. Thread-safe; blocks as
// long as the handler does.
class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  // What the wire would answer, errors too; 503 while services are still starting.
  virtual http::Response send(const Principal& caller, const InnerRequest& request) = 0;
  // Whether the caller may make the request: its error, or nothing. The body is not looked at.
  virtual Result<void> preflight(const Principal& caller, const InnerRequest& request) = 0;
  // What all services declare.
  virtual const std::vector<Manifest>& manifests() const = 0;
};

}  // namespace lazuli::core
