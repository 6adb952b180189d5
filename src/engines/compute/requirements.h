// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/compute/environment.h"

namespace lazuli::compute {

// What to install, free of everything that could steer the installer itself.
struct InstallPlan {
  std::vector<std::string> requirements;  // PEP 508 without URLs; order and case as written
  bool prereleases = false;
  std::string python_version;      // asked for ("==3.10.*"), empty for any
  std::vector<std::string> notes;  // what was read in another way than written

  // Equal for plans that install the same.
  std::string normalized() const;
};

// From a conda file, pip requirements, or the image's name. kInvalidArgument quotes the offending
// line and says why it cannot be installed here.
Result<InstallPlan> plan_environment(const EnvironmentSpec& spec);

// One line of a pip requirements file, as pip's documentation defines them ("Requirements File
// Format"). Comments and empty lines add nothing.
Result<void> add_pip_line(InstallPlan& plan, std::string_view line);

// One conda match specification: "numpy=1.26", "conda-forge::scikit-learn>=1.5,<2".
Result<void> add_conda_package(InstallPlan& plan, std::string_view text);

// What stands in pip's index for a conda package.
struct PackageRule {
  enum class Kind { kPip, kPartOfSystem, kCondaOnly };
  Kind kind = Kind::kPip;
  std::string pip_name;
};
PackageRule package_rule(std::string_view conda_name);

// The packages that stand in for a well-known image, or nothing for any other image.
struct CuratedPackages {
  std::string_view title;
  std::vector<std::string_view> requirements;
};
std::optional<CuratedPackages> curated_packages(std::string_view image);

}  // namespace lazuli::compute
