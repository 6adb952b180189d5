// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace lazuli::bytes {

// A service that keeps named contents: what stored bytes need of S3. Everything is durable and
// visible to all when it returns. Thread-safe. Errors that may pass have been tried again before
// they come back (kUnavailable).
class ObjectService {
 public:
  enum class If { kAlways, kAbsent };
  struct Part {
    std::string content;
    uint64_t total = 0;  // size of the whole
  };
  struct Upload {
    std::string key;
    std::string id;
    Timestamp begun;
  };

  virtual ~ObjectService() = default;
  // kConflict if it had to be absent and is not.
  virtual Result<void> put(const std::string& key, std::string_view content, If condition) = 0;
  // At most `size` bytes from `offset`, which must lie within it. kNotFound.
  virtual Result<Part> get(const std::string& key, uint64_t offset, uint64_t size) = 0;
  virtual Result<void> remove(const std::string& key) = 0;  // what is not there is fine
  virtual Result<void> list(const std::string& prefix,
                            const std::function<Result<void>(const std::string& key)>& visit) = 0;

  // A large content in parts, of 5 MiB or more but for the last, counted from 1; it exists once it
  // is completed with what the parts returned.
  virtual Result<std::string> begin_upload(const std::string& key) = 0;
  virtual Result<std::string> put_part(const std::string& key, const std::string& upload,
                                       int number, std::string_view content) = 0;
  virtual Result<void> complete_upload(const std::string& key, const std::string& upload,
                                       const std::vector<std::string>& parts) = 0;
  virtual Result<void> abort_upload(const std::string& key, const std::string& upload) = 0;
  virtual Result<std::vector<Upload>> list_uploads(const std::string& prefix) = 0;
};

}  // namespace lazuli::bytes
