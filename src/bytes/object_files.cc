// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_files.h"

#include "base/log.h"
#include "base/strings.h"
#include "bytes/object_index.h"
#include "codec/text.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kIdSize = 32;
constexpr size_t kPrefixSize = 4;
constexpr uint64_t kIdsPerFolder = 4096;

}  // namespace

Result<void> ObjectFiles::prepare() {
  TRY(files_.make_folder(staging_));
  TRY(files_.make_folder(objects_));
  return remove_leftovers();
}

Result<void> ObjectFiles::remove_leftovers() {
  std::vector<std::string> names = TRY(files_.list(staging_));
  for (const std::string& name : names) TRY(files_.remove(cat({staging_, "/", name})));
  if (!names.empty()) log::info("bytes", "removed unfinished objects", {{"count", names.size()}});
  return {};
}

std::string ObjectFiles::staging_path(const ObjectId& id) const { return cat({staging_, "/", id}); }

std::string ObjectFiles::folder_of(const ObjectId& id) const {
  std::string_view text = id;
  return cat({objects_, "/", text.substr(0, 2), "/", text.substr(2, 2)});
}

std::string ObjectFiles::object_path(const ObjectId& id) const {
  return cat({folder_of(id), "/", id});
}

Result<ObjectId> ObjectFiles::new_id() {
  std::string tail = to_hex(crypto::random_bytes((kIdSize - kPrefixSize) / 2));
  std::lock_guard lock(mutex_);
  if (current_count_ == 0) current_prefix_ = TRY(next_folder());
  current_count_ = (current_count_ + 1) % kIdsPerFolder;
  return current_prefix_ + tail;
}

// Folders are durable before an object goes into them.
Result<std::string> ObjectFiles::next_folder() {
  std::string prefix = to_hex(crypto::random_bytes(kPrefixSize / 2));
  std::string parent = objects_;
  for (const std::string& name : {prefix.substr(0, 2), prefix.substr(2)}) {
    TRY(files_.make_folder(cat({parent, "/", name})));
    TRY(sync_folder(parent));  // even if it was there: its maker may not have lived to do so
    parent = cat({parent, "/", name});
  }
  return prefix;
}

Result<void> ObjectFiles::sync_folder(const std::string& path) {
  auto synced = syncer_.sync(path);
  if (!synced.ok()) return health_.fail(std::move(synced).error());
  return {};
}

Result<void> ObjectFiles::publish(const ObjectId& id) {
  TRY(health_.check());
  TRY(files_.rename(staging_path(id), object_path(id)));
  return sync_folder(folder_of(id));
}

Result<void> ObjectFiles::remove(const ObjectId& id) {
  TRY(health_.check());
  auto removed = files_.remove(object_path(id));
  if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  return sync_folder(folder_of(id));  // also if it was absent: that may not be durable yet
}

Result<void> ObjectFiles::set_aside(const ObjectId& id, const std::string& path) {
  TRY(health_.check());
  TRY(files_.rename(object_path(id), path));
  return sync_folder(folder_of(id));
}

Result<void> ObjectFiles::walk(const std::function<Result<void>(const Place&)>& visit) {
  for (const std::string& outer : TRY(files_.list(objects_)))
    for (const std::string& inner : TRY(files_.list(cat({objects_, "/", outer})))) {
      const std::string folder = cat({objects_, "/", outer, "/", inner});
      for (const std::string& name : TRY(files_.list(folder)))
        TRY(visit({folder, name, parse_raw_id(name) && name.starts_with(outer + inner)}));
    }
  return {};
}

Result<void> ObjectFiles::list(const std::function<Result<void>(const ObjectId&)>& visit) {
  return walk([&](const Place& place) -> Result<void> {
    if (!place.is_object) return {};
    return visit(place.name);
  });
}

Result<std::vector<std::string>> ObjectFiles::foreign_files() {
  std::vector<std::string> found;
  TRY(walk([&](const Place& place) -> Result<void> {
    if (!place.is_object) found.push_back(cat({place.folder, "/", place.name}));
    return {};
  }));
  return found;
}

}  // namespace lazuli::bytes
