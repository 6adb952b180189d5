// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_index.h"

#include "base/check.h"
#include "bytes/little_endian.h"
#include "codec/text.h"

namespace lazuli::bytes {
namespace {

constexpr uint32_t kQuarantined = 1u << 31;
constexpr size_t kFirstCapacity = 16;

// Seven of eight slots are used at most.
bool is_full(size_t count, size_t capacity) { return (count + 1) * 8 > capacity * 7; }

}  // namespace

std::optional<RawId> parse_raw_id(std::string_view id) {
  if (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != id.npos) return std::nullopt;
  auto text = from_hex(id);
  RawId raw;
  std::copy(text->begin(), text->end(), raw.begin());
  return raw;
}

std::string to_text(const RawId& id) { return to_hex(view(id)); }

ObjectIndex::Entry ObjectIndex::pack(const RawId& id, const Location& location) {
  CHECK(location.segment != 0 && location.offset < kQuarantined);
  return {id, location.segment, location.offset | (location.quarantined ? kQuarantined : 0),
          location.length};
}

Location ObjectIndex::unpack(const Entry& entry) {
  return {entry.segment, entry.offset & ~kQuarantined, entry.length,
          (entry.offset & kQuarantined) != 0};
}

size_t ObjectIndex::Part::home(const RawId& id) const {
  const auto hash = load_little<uint64_t>(view(id), 0);
  return static_cast<size_t>(static_cast<unsigned __int128>(hash) * slots.size() >> 64);
}

size_t ObjectIndex::Part::slot_of(const RawId& id) const {
  size_t slot = home(id);
  while (slots[slot].segment != 0 && slots[slot].id != id) slot = next(slot);
  return slot;
}

void ObjectIndex::Part::grow(size_t capacity) {
  std::vector<Entry> old(capacity);
  old.swap(slots);
  for (const Entry& entry : old)
    if (entry.segment != 0) slots[slot_of(entry.id)] = entry;
}

// Moves up what was pushed behind the slot, so that every chain stays whole.
void ObjectIndex::Part::free_slot(size_t slot) {
  size_t free = slot;
  for (size_t at = next(slot); slots[at].segment != 0; at = next(at)) {
    const size_t wish = home(slots[at].id);
    const bool reaches = free <= at ? wish <= free || wish > at : wish <= free && wish > at;
    if (!reaches) continue;
    slots[free] = slots[at];
    free = at;
  }
  slots[free] = Entry{};
  --count;
}

std::optional<Location> ObjectIndex::find(const RawId& id) const {
  const Part& part = part_of(id);
  std::lock_guard lock(part.mutex);
  if (part.slots.empty()) return std::nullopt;
  const Entry& entry = part.slots[part.slot_of(id)];
  if (entry.segment == 0) return std::nullopt;
  return unpack(entry);
}

std::optional<Location> ObjectIndex::insert(const RawId& id, const Location& location) {
  Part& part = part_of(id);
  std::lock_guard lock(part.mutex);
  if (is_full(part.count, part.slots.size()))
    part.grow(std::max(kFirstCapacity, part.slots.size() * 3 / 2));
  Entry& entry = part.slots[part.slot_of(id)];
  std::optional<Location> before;
  if (entry.segment != 0)
    before = unpack(entry);
  else
    ++part.count;
  entry = pack(id, location);
  return before;
}

bool ObjectIndex::replace(const RawId& id, const Location& from, const Location& to) {
  Part& part = part_of(id);
  std::lock_guard lock(part.mutex);
  if (part.slots.empty()) return false;
  Entry& entry = part.slots[part.slot_of(id)];
  if (entry.segment == 0 || unpack(entry) != from) return false;
  entry = pack(id, to);
  return true;
}

std::optional<Location> ObjectIndex::erase(const RawId& id) {
  Part& part = part_of(id);
  std::lock_guard lock(part.mutex);
  if (part.slots.empty()) return std::nullopt;
  const size_t slot = part.slot_of(id);
  if (part.slots[slot].segment == 0) return std::nullopt;
  const Location before = unpack(part.slots[slot]);
  part.free_slot(slot);
  return before;
}

size_t ObjectIndex::size() const {
  size_t count = 0;
  for (const Part& part : parts_) {
    std::lock_guard lock(part.mutex);
    count += part.count;
  }
  return count;
}

Result<void> ObjectIndex::for_each(
    const std::function<Result<void>(const RawId&, const Location&)>& visit) const {
  for (const Part& part : parts_) {
    std::vector<Entry> entries;
    {
      std::lock_guard lock(part.mutex);
      entries.reserve(part.count);
      for (const Entry& entry : part.slots)
        if (entry.segment != 0) entries.push_back(entry);
    }
    for (const Entry& entry : entries) TRY(visit(entry.id, unpack(entry)));
  }
  return {};
}

}  // namespace lazuli::bytes
