// SPDX-License-Identifier: Apache-2.0
#include "base/testing.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace lazuli {

std::vector<std::string> fuzz_seeds(const std::string& name) {
  std::vector<std::string> seeds;
  const std::filesystem::path folder = std::filesystem::path(LAZULI_SOURCE_DIR) / "tests/fuzz";
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder / name, missing)) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

}  // namespace lazuli
