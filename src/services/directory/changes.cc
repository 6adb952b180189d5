// SPDX-License-Identifier: Apache-2.0
#include "services/directory/changes.h"

#include "base/strings.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr size_t kKnownMax = 65536;

}  // namespace

Result<void> Changes::record(db::Tx& tx, const std::string& object_id, std::string_view kind,
                             std::string_view change) {
  TRY(events_.publish(tx, "directory.changed",
                      Json::object({{"objectId", object_id}, {"kind", kind}, {"change", change}})));
  tx.after_commit([this] { forget(); });
  return {};
}

void Changes::forget() {
  std::lock_guard lock(mutex_);
  generation_.fetch_add(1, std::memory_order_release);
  known_.clear();
}

// What was read before a change must not be remembered after it: the generation tells.
Result<Standing> Changes::standing(const std::string& object_id) {
  std::string key = to_lower(object_id);
  {
    std::lock_guard lock(mutex_);
    if (auto found = known_.find(key); found != known_.end()) return found->second;
  }
  uint64_t before = generation();
  Standing fresh = TRY(read(key));
  std::lock_guard lock(mutex_);
  if (generation() != before) return fresh;
  if (known_.size() >= kKnownMax) known_.clear();
  known_.emplace(std::move(key), fresh);
  return fresh;
}

Result<Standing> Changes::read(const std::string& object_id) {
  return handle_.read([&](db::Reader& reader) -> Result<Standing> {
    Standing standing;
    standing.groups = std::make_shared<const std::vector<std::string>>();
    auto object = TRY(Store::find(reader, object_id));
    if (!object || object->kind == kApplication) return standing;
    standing.exists = true;
    standing.enabled = object->enabled;
    standing.not_before = object->not_before;
    standing.groups =
        std::make_shared<const std::vector<std::string>>(TRY(Store::groups_of(reader, object_id)));
    return standing;
  });
}

}  // namespace lazuli::directory
