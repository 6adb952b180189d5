// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

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
  // The effect joins the transaction that publishes: both happen or neither does, and its error
  // refuses what was about to happen. For what may not lag behind, such as rights. Effects run in
  // the order in which they were attached; the event's id is 0.
  virtual void attach(const std::string& topic, db::Database::Handle handle, Consumer effect) = 0;
};

// "resource.deleted" {id}: a resource of Azure Resource Manager ends, with all that lies below it.
// Every service that deletes one publishes it in the transaction that does; role assignments, deny
// assignments, locks and identities at or below the id end in the same transaction.
inline constexpr const char* kResourceDeleted = "resource.deleted";
Result<void> publish_deleted(Events& events, db::Tx& tx, std::string_view arm_id);

}  // namespace lazuli::core
