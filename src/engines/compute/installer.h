// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engines/compute/requirements.h"

namespace lazuli::compute {

struct InstallOptions {
  std::string folder;  // of the virtual environment, made anew; its path stays
  std::string cache;   // shared by all installations of wheels
  std::function<void(std::string_view)> progress;
  std::function<bool()> cancelled;
};

// Makes a virtual environment of /usr/bin/python3 and installs the plan into it, with uv where
// there is one ($LAZULI_UV or on PATH), else with pip. Index, proxies and certificates are those of
// this process's user. Wheels are unpacked without running any of their code; a package that must
// be built runs its own code for that, so it is built in a sandbox, or refused where there is none.
Result<void> install(const InstallPlan& plan, const InstallOptions& options);

// "3.11.2", of /usr/bin/python3.
Result<std::string> system_python_version();

// The value of `key` for `pip install` in a pip configuration file's text ("index-url").
std::optional<std::string> pip_config_value(std::string_view text, std::string_view key);

}  // namespace lazuli::compute
