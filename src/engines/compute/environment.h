// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace lazuli::compute {

// What a job's Python should hold, from an Azure ML environment: a conda file (YAML text) or pip
// requirements, or just an image's name.
struct EnvironmentSpec {
  std::string image;       // as the user wrote it
  std::string conda_file;  // YAML text, empty for none
};

struct BuiltEnvironment {
  std::string folder;              // a virtual environment; bin/python3 inside
  std::vector<std::string> notes;  // warnings and mappings for the job's log
};

// Builds virtual environments of /usr/bin/python3, cached by content: equal specs build once, also
// when asked at the same time; a half-built one is never used. Thread-safe.
class Environments {
 public:
  static std::unique_ptr<Environments> create(std::string folder);
  virtual ~Environments() = default;
  // Blocks while building (minutes): `progress` gets lines for the job's log. kInvalidArgument with
  // the offending line when a package cannot be mapped or installed; `cancelled` is polled.
  virtual Result<BuiltEnvironment> ensure(const EnvironmentSpec& spec,
                                          const std::function<void(std::string_view)>& progress,
                                          const std::function<bool()>& cancelled) = 0;
};

}  // namespace lazuli::compute
