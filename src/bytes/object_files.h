// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "bytes/bytes.h"
#include "bytes/disk_health.h"
#include "bytes/file_layer.h"
#include "bytes/folder_syncer.h"

namespace lazuli::bytes {

// The large objects: an image per file. Thread-safe.
class ObjectFiles {
 public:
  ObjectFiles(FileLayer& files, DiskHealth& health, const std::string& folder)
      : files_(files),
        health_(health),
        objects_(folder + "/objects"),
        staging_(folder + "/staging"),
        syncer_(files) {}

  Result<void> prepare();  // folders, leftovers

  std::string staging_path(const ObjectId& id) const;
  std::string object_path(const ObjectId& id) const;

  // A fresh id. Its folder stays the same for a while, so that one sync serves many writers.
  Result<ObjectId> new_id();
  // Moves a staged, synced file to its place, durably.
  Result<void> publish(const ObjectId& id);
  Result<void> remove(const ObjectId& id);
  // Moves an object's file out of the way, durably.
  Result<void> set_aside(const ObjectId& id, const std::string& path);
  Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit);
  Result<std::vector<std::string>> foreign_files();  // paths in the objects' folders that are none

 private:
  struct Place {
    std::string folder, name;
    bool is_object;
  };
  Result<void> walk(const std::function<Result<void>(const Place&)>& visit);
  std::string folder_of(const ObjectId& id) const;
  Result<void> remove_leftovers();
  Result<void> sync_folder(const std::string& path);
  Result<std::string> next_folder();

  FileLayer& files_;
  DiskHealth& health_;
  const std::string objects_, staging_;
  FolderSyncer syncer_;
  std::mutex mutex_;
  std::string current_prefix_;  // the aabb of new ids
  uint64_t current_count_ = 0;
};

}  // namespace lazuli::bytes
