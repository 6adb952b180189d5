// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "db/lease.h"
#include "engines/workflow/machine.h"

namespace lazuli::workflow {

// This server among those that work on one database. Its runs carry its name and the epoch of its
// lease; whoever takes the lease writes its own name there, and from then on no turn of the former
// owner counts. Thread-safe.
class Nodes {
 public:
  Nodes(db::Database::Handle handle, Options options,
        db::Leases::Clock clock = &db::Executor::clock)
      : handle_(std::move(handle)),
        options_(std::move(options)),
        leases_("workflow", std::move(clock)) {}

  // Begins a life of this node, with the runs that it left in former ones. When the process is the
  // same (`again`), others may have some of them by now, and attempts it was running are lost.
  Result<void> join(Machine& machine, bool again);
  // Says that this node lives. False: another one believed otherwise; join() again.
  Result<bool> beat();
  // Takes over the runs of nodes that fell silent.
  Result<void> take_over(Machine& machine);
  // Whether a run may be taken on, within the transaction that does.
  Result<bool> holds(db::Tx& tx);
  // Whether the lease was renewed recently enough for nobody else to have taken it.
  bool is_fresh() const;

 private:
  std::optional<db::Lease> lease() const;
  Result<void> adopt_all(Machine& machine, const std::string& owner);
  Result<bool> is_alive(db::Tx& tx, const std::string& owner) const;

  const db::Database::Handle handle_;
  const Options options_;
  const db::Leases leases_;

  mutable std::mutex mutex_;
  std::optional<db::Lease> lease_;
  SteadyClock::time_point renewed_{};
};

}  // namespace lazuli::workflow
