// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "core/audit_chain.h"

namespace lazuli::core::audit {

// Where the chain stands: the number and MAC of its last record.
struct Tip {
  uint64_t sequence = 0;
  std::string mac = std::string(kFirstPrevious);
};

// What a segment's file was found to hold.
struct Scan {
  uint64_t first = 0;
  Tip tip;
  std::string previous;  // what its first record names as the one before
  uint64_t records = 0;
  uint64_t bytes = 0;       // of whole lines that verify
  uint64_t unfinished = 0;  // bytes of a last line without its end: a crash while writing
  std::string fault;  // what is wrong with the first line that does not verify; empty: nothing
};
// Without a key the MACs are not checked, only that each line continues the one before it.
Scan scan_segment(const SecretBytes* key, std::string_view content);

// The segment that is being written. Not thread-safe.
class SegmentFile {
 public:
  SegmentFile() = default;
  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;

  // Makes a new file, durably.
  Result<void> create(const std::string& path);
  // Goes on with one that holds `bytes` good bytes; the rest is cut off.
  Result<void> resume(const std::string& path, uint64_t bytes);
  void close();
  bool is_open() const { return fd_ >= 0; }

  // All of it or nothing that counts: after a failure, what had been there is there alone.
  Result<void> append(std::string_view text);
  Result<void> sync();
  uint64_t bytes() const { return bytes_; }
  const std::string& path() const { return path_; }

 private:
  int fd_ = -1;
  uint64_t bytes_ = 0;
  std::string path_;
};

}  // namespace lazuli::core::audit
