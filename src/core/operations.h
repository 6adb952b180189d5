// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "core/context.h"
#include "db/db.h"

namespace lazuli::core {

enum class OperationState { kInProgress, kSucceeded, kFailed, kCanceled };

struct OperationStatus {
  std::string id;
  OperationState state = OperationState::kInProgress;
  std::string resource_id;
  std::optional<Error> error;
};

// Azure's long-running operations: a status document that clients poll. Kept in the database, so a
// poll after a restart still finds it. Thread-safe.
class Operations {
 public:
  virtual ~Operations() = default;
  // Both join the caller's transaction: the operation and what it stands for commit together.
  virtual Result<std::string> begin(db::Tx& tx, const std::string& resource_id) = 0;
  virtual Result<void> finish(db::Tx& tx, const std::string& id, std::optional<Error> error) = 0;
  virtual Result<OperationStatus> get(const std::string& id) = 0;
  // Waits until the operation is terminal or the time is over, then reads it: the first poll of a
  // quick operation answers at once with its end.
  virtual Result<OperationStatus> wait(const std::string& id, Duration timeout) = 0;
};

// Puts Azure-AsyncOperation, Location (where given) and retry-after-ms on a response, as the
// clients need them (an Azure-AsyncOperation header even when the work is done; no Retry-After).
void add_polling_headers(const RequestContext& context, const std::string& operation_id,
                         http::Response& response);
// How long a poll may be held: `most`, or less where the request prefers so ("Prefer: wait=0",
// RFC 7240).
Duration hold_of(const RequestContext& context, Duration most);
// {"id","name","status","error"} of mfeOperationsStatus and its kin.
Json operation_document(const OperationStatus& status);

}  // namespace lazuli::core
