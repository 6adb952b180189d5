// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "bytes/bytes.h"
#include "core/s3.h"

namespace lazuli::server {

// Where contents are kept when not in the data directory: "s3:https://HOST[:PORT]/BUCKET[/PREFIX]",
// with "?region=NAME" and "&ca=PEM_FILE" as needed. The keys come from the environment:
// LAZULI_S3_ACCESS_KEY and LAZULI_S3_SECRET_KEY.
struct ByteStorePlace {
  core::S3Options s3;  // without keys
  std::string prefix;
};
Result<ByteStorePlace> parse_byte_store(std::string_view text);

Result<std::unique_ptr<bytes::Store>> open_byte_store(const std::string& text,
                                                      const SecretBytes& root_key);

}  // namespace lazuli::server
