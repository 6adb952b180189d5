// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/audit_chain.h"
#include "core/audit_segment.h"

namespace lazuli::core::audit {

// The chain on disk: appends, syncs, begins and signs segments, drops the oldest. One thread.
class Writer {
 public:
  Writer(AuditOptions options, Keys keys);
  ~Writer();

  // Goes on where the folder's log ends; what a crash left unfinished is cut off.
  Result<void> open();
  // Appends records; durable after sync(). After an error what was durable is what there is, and
  // a new segment goes on from there as soon as one can be written.
  Result<void> append(const std::vector<std::string>& members);
  Result<void> sync();
  uint64_t sequence() const { return tip_.sequence; }  // of the last record
  // Once a second: syncs what is not, notes how far the log has come, tries again after an error.
  Result<void> tick();

 private:
  Result<void> resume(const std::vector<uint64_t>& segments);
  Result<void> begin_segment();
  Result<void> append_one(std::string operation, std::string resource);
  Result<void> rotate();
  Result<void> seal_segment();
  Result<void> drop_old();
  Result<void> fall_back(Error error);
  void write_head();

  const AuditOptions options_;
  const Keys keys_;
  SegmentFile file_;
  uint64_t number_ = 0;
  Timestamp began_{};
  Tip tip_, durable_;
  uint64_t durable_bytes_ = 0;
  int head_ = -1;
  uint64_t head_sequence_ = 0;
};

}  // namespace lazuli::core::audit
