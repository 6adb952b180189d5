// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "services/storage/api.h"

namespace lazuli::jobs {

using Cancelled = std::function<bool()>;

// Between blobs and the scratch folders of jobs. What a job left in its folders is not trusted:
// only regular files are read, and symbolic links only where they stay within the folder.
class Transfer {
 public:
  explicit Transfer(storage::Storage& storage) : storage_(storage) {}

  struct Downloaded {
    size_t files = 0;
    bool is_file = false;  // the path named one blob, now at `folder`/{its last segment}
    std::string file_name;
  };
  // A blob, or all blobs below the path, into `folder` (which exists).
  Result<Downloaded> download(const storage::BlobPath& path, const std::string& folder,
                              const Cancelled& cancelled) const;
  // All files below `folder` to "{path}{relative name}"; how many there were.
  Result<size_t> upload_folder(const std::string& folder, const storage::BlobPath& path) const;
  Result<void> upload_file(const std::string& file, const storage::BlobPath& path) const;

 private:
  Result<void> download_blob(const storage::BlobPath& path, const std::string& file) const;

  storage::Storage& storage_;
};

}  // namespace lazuli::jobs
