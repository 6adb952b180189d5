// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/manifest.h"
#include "core/router.h"

namespace lazuli::server {

// What a host name stands for, with the names it carries ("account", "region", "endpoint").
struct HostName {
  core::Host kind = core::Host::kPlain;
  core::Params params;
};

// `host` in lower case, without port. Names outside the domain and bare addresses are kPlain.
HostName classify_host(std::string_view host, std::string_view domain);

// The service whose data plane has that name in Azure and is not there yet; empty for other names.
std::string_view unserved_service(std::string_view host, std::string_view domain);

// Whether a name is the domain or lies below it.
bool is_own_name(std::string_view host, std::string_view domain);

// Whether a name or address is this server's: its names, and loopback.
bool is_own_host(std::string_view host, std::string_view domain);

}  // namespace lazuli::server
