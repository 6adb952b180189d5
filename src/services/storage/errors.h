// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"

namespace lazuli::storage {

// The Blob service's wire errors with Azure's own texts
// (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes).
Error account_not_found(std::string_view account);
Error container_not_found();
Error container_already_exists();
Error blob_not_found();
Error blob_already_exists();
Error condition_not_met();
Error not_modified();
Error invalid_range();
Error md5_mismatch();
Error invalid_md5();
Error crc64_mismatch();
Error invalid_block_id();
Error invalid_block_list();
Error block_list_too_long();
Error block_count_exceeds_limit();
Error invalid_resource_name();
Error resource_name_length();
Error invalid_metadata();
Error invalid_header(std::string_view header);
Error missing_header(std::string_view header);
Error invalid_query(std::string_view parameter);
Error invalid_xml();
Error permission_mismatch();
Error authentication_failed(std::string detail);
// A feature that is known but not here; `operation` is Azure's name of it.
Error not_here(std::string_view operation);

}  // namespace lazuli::storage
