// SPDX-License-Identifier: Apache-2.0
// Conda files and pip requirements: whatever they say, no line of the plan may steer the installer.
#include "base/testing.h"
#include "engines/compute/requirements.h"

namespace lazuli::compute {
namespace {

void check_plan(const InstallPlan& plan) {
  for (const std::string& requirement : plan.requirements) {
    CHECK(!requirement.empty() && !requirement.starts_with('-'));
    CHECK(requirement.find_first_of("\r\n\\@/") == std::string::npos);
    CHECK(requirement.find(" --") == std::string::npos);
  }
}

}  // namespace

FUZZ_TARGET(compute_requirements) {
  InstallPlan line, conda;
  if (add_pip_line(line, data).ok()) check_plan(line);
  if (add_conda_package(conda, data).ok()) check_plan(conda);
  const auto plan = plan_environment({"image", std::string(data)});
  if (plan.ok()) check_plan(*plan);
}

}  // namespace lazuli::compute
