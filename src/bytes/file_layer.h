// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace lazuli::bytes {

// An open file, closed on destruction.
class File {
 public:
  virtual ~File() = default;
  virtual Result<void> append(std::span<const std::byte> data) = 0;
  // Makes what was appended durable. After a failure the content is unknown: never retry.
  virtual Result<void> sync() = 0;
  // Fills `out` from `offset` as far as the file goes. Safe from several threads at once.
  virtual Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const = 0;
  virtual Result<uint64_t> size() const = 0;
};

// The few file operations that stored bytes need: the one seam below the store, where tests put
// their faults. Thread-safe. A missing file is kNotFound, a full disk kUnavailable ("ServerBusy").
class FileLayer {
 public:
  virtual ~FileLayer() = default;
  virtual Result<std::unique_ptr<File>> create(
      const std::string& path) = 0;                                         // must not exist; 0600
  virtual Result<std::unique_ptr<File>> open(const std::string& path) = 0;  // for reading
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  // Makes the entries of a folder durable: files created, renamed into it or removed from it.
  virtual Result<void> sync_folder(const std::string& path) = 0;
  // 0700; true if it was not there before.
  virtual Result<bool> make_folder(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, unordered
  // Held until destruction; kUnavailable if somebody else holds it.
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
};

// The real one.
std::unique_ptr<FileLayer> make_posix_file_layer();

}  // namespace lazuli::bytes
