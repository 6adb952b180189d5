// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "codec/json.h"
#include "db/db.h"

namespace lazuli::core {

struct Event {
  int64_t id = 0;
  std::string topic;  // "jobs.finished"
  Json data;
};

// Effects across services: an event is published within the transaction that causes it (outbox) and
// delivered at least once, in order per topic; a consumer's effect happens once, because the
// event's id is stored (inbox) in the transaction the effect runs in. A consumer that fails is
// retried with growing pauses. Thread-safe.
class Events {
 public:
  using Consumer = std::function<Result<void>(db::Tx&, const Event&)>;
  virtual ~Events() = default;
  virtual Result<void> publish(db::Tx& tx, const std::string& topic, Json data) = 0;
  // Before start() of the server ends. `name` identifies the consumer across restarts; `handle` is
  // whose tables its effect writes.
  virtual void subscribe(const std::string& topic, const std::string& name,
                         db::Database::Handle handle, Consumer consumer) = 0;
};

}  // namespace lazuli::core
