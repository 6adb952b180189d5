// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "bytes/bytes.h"
#include "bytes/disk_health.h"
#include "bytes/file_layer.h"
#include "bytes/key_ring.h"
#include "bytes/object_files.h"
#include "bytes/packed_objects.h"

namespace lazuli::bytes {

// What the store, its writers and its readers share. Files:
//   FORMAT            version, and a check value of the key
//   LOCK              held while the store is open
//   segments/         small objects (segment_format.h)
//   staging/ID        a large object being written
//   objects/aa/bb/ID  a large object; ID is 32 hex digits and begins with aabb
//   quarantine/ID     what was found damaged
//   keys/NAME         a wrapping key (key_ring.h)
// Version 1 had neither segments nor keys: all objects were files, under the store's own key. They
// are where version 2 looks for them.
class LocalFolder {
 public:
  LocalFolder(std::unique_ptr<FileLayer> files, std::string path, const SecretBytes& root_key);

  Result<void> prepare();

  FileLayer& files() { return *files_; }
  KeyRing& keys() { return keys_; }
  DiskHealth& health() { return health_; }
  ObjectFiles& large() { return large_; }
  PackedObjects& packed() { return packed_; }

 private:
  Result<void> prepare_format();
  Result<void> make_format();  // of a new folder
  Result<void> write_format();

  const std::unique_ptr<FileLayer> files_;
  const std::string path_;
  const std::string key_check_;
  std::unique_ptr<File> lock_;
  DiskHealth health_;
  ObjectFiles large_;
  PackedObjects packed_;
  KeyRing keys_;
};

Result<std::unique_ptr<Writer>> make_local_writer(std::shared_ptr<LocalFolder> folder,
                                                  const WriteOptions& options);
Result<std::unique_ptr<Reader>> open_local_reader(LocalFolder& folder, const ObjectId& id);
Result<CheckReport> check_local(LocalFolder& folder, const CheckOptions& options);

// open_local over another file layer.
Result<std::unique_ptr<Store>> open_local(std::unique_ptr<FileLayer> files,
                                          const std::string& folder, SecretBytes root_key);

}  // namespace lazuli::bytes
