// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/nodes.h"

#include "base/log.h"
#include "base/strings.h"

namespace lazuli::workflow {
namespace {

constexpr Duration kForEver = std::chrono::hours(24 * 365 * 100);  // the only server there can be
constexpr int kRunsAtOnce = 32;

std::string owner_name(const db::Lease& lease) {
  return cat({lease.name, "#", std::to_string(lease.epoch)});
}

struct Owner {
  std::string node;
  int64_t epoch = 0;
};

Owner parse_owner(const std::string& text) {
  const size_t at = text.rfind('#');
  if (at == std::string::npos) return {text, 0};
  return {text.substr(0, at), parse_int(std::string_view(text).substr(at + 1)).value_or(0)};
}

}  // namespace

std::optional<db::Lease> Nodes::lease() const {
  std::lock_guard lock(mutex_);
  return lease_;
}

Result<void> Nodes::join(Machine& machine, bool again) {
  const auto asked = SteadyClock::now();
  const Duration time = options_.shared ? options_.lease : kForEver;
  const db::Lease mine = TRY(handle_.write([&](db::Tx& tx) -> Result<db::Lease> {
    auto lease = TRY(leases_.acquire(tx, options_.node, options_.node, time));
    if (!lease) return unavailable("Another server is taking over the runs of this one.");
    if (again) return *lease;
    // What nobody owns is from before there were owners. Runs of a life before the last one were
    // lost to others since, who asked their attempts to end: take_over() replaces those.
    TRY(Store::hand_over(tx, "", owner_name(*lease)));
    TRY(Store::hand_over(tx, owner_name({lease->name, {}, lease->epoch - 1}), owner_name(*lease)));
    return *lease;
  }));
  {
    std::lock_guard lock(mutex_);
    lease_ = mine;
    renewed_ = asked;
  }
  machine.set_owner(owner_name(mine));
  // Runs that were submitted while this node had no name yet.
  TRY(handle_.write([&](db::Tx& tx) { return Store::hand_over(tx, "", owner_name(mine)); }));
  if (!again) TRY(machine.resume());
  return take_over(machine);
}

Result<bool> Nodes::beat() {
  const auto mine = lease();
  if (!mine) return false;
  const auto asked = SteadyClock::now();
  const bool held =
      TRY(handle_.write([&](db::Tx& tx) { return leases_.renew(tx, *mine, options_.lease); }));
  if (!held) return false;
  std::lock_guard lock(mutex_);
  renewed_ = asked;
  return true;
}

// An owner lives while the lease of its epoch does.
Result<bool> Nodes::is_alive(db::Tx& tx, const std::string& owner) const {
  const Owner parsed = parse_owner(owner);
  if (!TRY(leases_.holds(tx, {parsed.node, {}, parsed.epoch}))) return false;
  for (const db::Lease& lease : TRY(leases_.expired(tx))) {
    if (lease.name == parsed.node) return false;
  }
  return true;
}

Result<void> Nodes::take_over(Machine& machine) {
  const auto mine = lease();
  if (!mine) return {};
  const auto owners = TRY(handle_.read([](db::Reader& reader) { return Store::owners(reader); }));
  for (const std::string& owner : owners) {
    if (owner == owner_name(*mine)) continue;
    const bool gone = TRY(handle_.write([&](db::Tx& tx) -> Result<bool> {
      if (!TRY(leases_.holds(tx, *mine)) || TRY(is_alive(tx, owner))) return false;
      // Takes the name, so that its former holder learns of it, and leaves it free at once.
      const std::string node = parse_owner(owner).node;
      if (node == mine->name) return true;
      const auto lease = TRY(leases_.acquire(tx, node, mine->name, Duration(1)));
      if (lease) TRY(leases_.release(tx, *lease));
      return true;
    }));
    if (gone) TRY(adopt_all(machine, owner));
  }
  return {};
}

// A few at a time; a node that dies over it leaves the rest to the next.
Result<void> Nodes::adopt_all(Machine& machine, const std::string& owner) {
  const db::Lease mine = lease().value();
  log::warning("workflow", "takes over the runs of a silent node", {{"node", owner}});
  for (bool more = true; more;) {
    more = TRY(handle_.write([&](db::Tx& tx) -> Result<bool> {
      if (!TRY(leases_.holds(tx, mine))) return false;
      const auto ids = TRY(Store::runs_of(tx, owner, kRunsAtOnce));
      for (const std::string& id : ids) TRY(machine.adopt(tx, id, owner));
      return !ids.empty();
    }));
  }
  return {};
}

Result<bool> Nodes::holds(db::Tx& tx) {
  const auto mine = lease();
  if (!mine) return true;  // not begun yet: the run waits for join()
  return leases_.holds(tx, *mine);
}

bool Nodes::is_fresh() const {
  std::lock_guard lock(mutex_);
  return !options_.shared || SteadyClock::now() - renewed_ < options_.lease;
}

}  // namespace lazuli::workflow
