// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lazuli::cli {

struct EnvOptions {
  std::string data_dir;
  bool json = false;
  bool proxy = false;  // choose proxy mode even where names resolve
};

// Prints what makes unmodified Azure clients use this server. The exit status.
int env(const EnvOptions& options);

// NO_PROXY for a shell whose traffic to our names must not pass other proxies (direct mode), or
// must pass ours (proxy mode: entries that match the domain by suffix are dropped, and hosts that
// are met directly all the same are added).
std::string no_proxy_direct(std::string_view before, std::string_view domain);
std::string no_proxy_through_us(std::string_view before, std::string_view domain,
                                const std::vector<std::string>& direct);

// 'text' for a POSIX shell.
std::string shell_quote(std::string_view text);

}  // namespace lazuli::cli
