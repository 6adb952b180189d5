// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "http/message.h"
#include "services/storage/model.h"

namespace lazuli::storage {

// The conditional headers of a request ("Specifying conditional headers for Blob service
// operations"). Times compare by whole seconds, as they are sent.
struct Conditions {
  std::string if_match, if_none_match;  // "*", an ETag, or several separated by commas
  std::optional<Timestamp> if_modified_since, if_unmodified_since;
  bool empty() const {
    return if_match.empty() && if_none_match.empty() && !if_modified_since && !if_unmodified_since;
  }
};

Result<Conditions> parse_conditions(const http::Headers& headers);

// For reads: 412, or 304 where the client's copy is still good.
Result<void> check_read(const Conditions& conditions, uint64_t etag, Timestamp modified);
// For changes of what exists: 412.
Result<void> check_change(const Conditions& conditions, uint64_t etag, Timestamp modified);
// For writes that create or replace; `existing` may be null. "If-None-Match: *" on something that
// is there is 409 BlobAlreadyExists.
Result<void> check_create(const Conditions& conditions, const Blob* existing);

}  // namespace lazuli::storage
