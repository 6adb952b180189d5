// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/directory/api.h"

namespace lazuli::identity {

// The CLI's own id as a public client.
inline constexpr std::string_view kLazuliCliApp = "6f0f1a6e-8d0e-4b0f-9d62-3b6c64c0a1f7";

// An application as a client of sign-in: from the directory, or one of those that every cloud
// knows (the Azure CLI, PowerShell and editors, whose ids clients carry built in).
struct ClientApp {
  std::string app_id, name;
  bool is_public = false;              // goes without a credential
  std::vector<std::string> redirects;  // exact; of native clients, loopback ones with any port
  std::vector<std::string> native_redirects;
};

Result<std::optional<ClientApp>> find_client_app(directory::Directory& directory,
                                                 const std::string& app_id);

// Whether an answer may be sent to `uri`: it is registered exactly; or it is loopback, as a native
// one is registered, with whatever port (RFC 8252 §7.3).
bool may_redirect(const ClientApp& app, std::string_view uri);

}  // namespace lazuli::identity
