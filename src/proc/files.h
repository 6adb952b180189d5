// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace lazuli::proc {

// Replaces a small file so that readers see the old content or the new, without waiting for the
// disk. For what must outlast a power cut there is write_file_durably (base/files.h).
Result<void> replace_file(const std::string& path, std::string_view content);

// Fails if the file exists. The content has reached the disk; the name does with the folder.
Result<void> write_new_file(const std::string& path, std::string_view content);

Result<void> fsync_path(const std::string& path);

// An unnamed file in memory, holding `content`, to be read from its start.
Result<Fd> memory_file(const char* name, std::string_view content);
Result<std::string> read_all(int fd, size_t bytes_max = 16u << 20);
Result<void> write_all(int fd, std::string_view content);

// An exclusive lock on a file (made when absent), held until the Fd and its copies in other
// processes are closed. The try form yields an invalid Fd when somebody else holds it.
Result<Fd> try_lock_file(const std::string& path);

}  // namespace lazuli::proc
