// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "services/storage/api.h"
#include "services/storage/model.h"

namespace lazuli::storage {

// What a request to the Blob service is about, read from host name and path alone. On a host name
// "{account}.blob.…" the path is /{container}/{blob}; on any other name or address (path style) the
// account comes first. Parts are decoded; missing ones are empty.
struct Target {
  std::string account, container, blob;
  bool path_style = false;
};
Result<Target> target_of(const http::RequestHead& head);

// Naming rules of "Naming and referencing containers, blobs, and metadata". A blob name with a '.'
// or '..' segment is refused: no consumer ever has to resolve one.
Result<void> check_container_name(std::string_view name);
Result<void> check_blob_name(std::string_view name);
Result<void> check_metadata(const Metadata& metadata);
Result<void> check_path(const BlobPath& path);

// `"0x8DE2…"`, quoted as in headers, and without quotes as inside lists.
std::string format_etag(uint64_t etag);
std::string format_etag_bare(uint64_t etag);

}  // namespace lazuli::storage
