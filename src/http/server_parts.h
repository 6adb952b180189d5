// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "http/server.h"
#include "http/tunnel.h"

namespace lazuli::http {

// Server::create() with another view of the outside world, for tests.
Result<std::unique_ptr<Server>> create_server(ServerOptions options, Application& application,
                                              CertificateSource& certificates,
                                              const ProxyPolicy& proxy,
                                              std::unique_ptr<Egress> egress);

}  // namespace lazuli::http
