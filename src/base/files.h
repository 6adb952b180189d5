// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace lazuli {

// Small files that are read and written whole. Errors name the path.
Result<std::string> read_file(const std::string& path, size_t size_max = 64u << 20);

// Replaces the file durably: written beside, fsynced, renamed, folder fsynced. A crash leaves the
// old content or the new.
Result<void> write_file_durably(const std::string& path, std::string_view content,
                                mode_t mode = 0600);

// Makes the folder and its missing parents.
Result<void> make_folder(const std::string& path, mode_t mode = 0700);

bool file_exists(const std::string& path);
Result<void> remove_tree(const std::string& path);  // what is not there is fine

}  // namespace lazuli
