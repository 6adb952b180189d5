// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "bytes/bytes.h"
#include "bytes/file_layer.h"
#include "bytes/folder_syncer.h"

namespace lazuli::bytes {

// What the store, its writers and its readers share. Files:
//   FORMAT          version, and a check value of the key
//   LOCK            held while the store is open
//   staging/ID      an object being written
//   objects/aa/bb/ID  a finished object; ID is 32 hex digits and begins with aabb
class LocalFolder {
 public:
  LocalFolder(std::unique_ptr<FileLayer> files, std::string path, const SecretBytes& root_key);

  Result<void> prepare();  // FORMAT, LOCK, folders, leftovers

  FileLayer& files() { return *files_; }
  const SecretBytes& store_key() const { return store_key_; }
  std::string staging_path(const ObjectId& id) const;
  std::string object_path(const ObjectId& id) const;
  static bool is_object_id(const ObjectId& id);

  // A fresh id. Its folder stays the same for a while, so that one sync serves many writers.
  Result<ObjectId> new_id();
  // Moves a staged, synced file to its place, durably.
  Result<void> publish(const ObjectId& id);
  Result<void> remove(const ObjectId& id);
  Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit);

  // After a failed sync the disk's state is unknown and nothing more is acknowledged.
  Result<void> check_healthy() const;
  Error fail(Error error);

 private:
  std::string folder_of(const ObjectId& id) const;
  Result<void> prepare_format();
  Result<void> write_format();
  Result<void> remove_leftovers();
  Result<void> sync_folder(const std::string& path);
  Result<std::string> next_folder();

  const std::unique_ptr<FileLayer> files_;
  const std::string path_;
  const SecretBytes store_key_;
  const std::string key_check_;
  FolderSyncer syncer_;
  std::unique_ptr<File> lock_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::string current_prefix_;  // the aabb of new ids
  uint64_t current_count_ = 0;
};

std::unique_ptr<Writer> make_local_writer(std::shared_ptr<LocalFolder> folder, ObjectId id,
                                          std::unique_ptr<File> file);
Result<std::unique_ptr<Reader>> open_local_reader(LocalFolder& folder, const ObjectId& id);

// open_local over another file layer.
Result<std::unique_ptr<Store>> open_local(std::unique_ptr<FileLayer> files,
                                          const std::string& folder, SecretBytes root_key);

}  // namespace lazuli::bytes
