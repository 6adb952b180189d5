// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "http/message.h"

namespace lazuli::http {

class Egress;

struct ClientOptions {
  std::string ca_file;  // PEM bundle that alone is trusted
  // Connect here ("127.0.0.1:8443", "unix:/path") whatever the URL's host says; the name is still
  // verified and sent. Empty: resolve the host.
  std::string connect_to;
  // Set: says which addresses may be connected to, and whether a parent proxy is asked for the
  // destination (http/egress.h). Outlives the client.
  Egress* egress = nullptr;
  Duration connect_timeout = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(60);  // of a whole call without progress
  uint64_t response_bytes_max = 64u << 20;
};

struct ClientRequest {
  Method method = Method::kGet;
  std::string url;
  Headers headers;
  std::string body;
};

// A blocking HTTPS client that keeps connections alive; used by the CLI and by tests of services.
// One call at a time per object.
class Client {
 public:
  static Result<std::unique_ptr<Client>> create(ClientOptions options);
  virtual ~Client() = default;
  // Any status is a success here; errors are of the transport.
  virtual Result<Response> send(const ClientRequest& request) = 0;
};

}  // namespace lazuli::http
