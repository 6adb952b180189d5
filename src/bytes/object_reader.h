// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "bytes/bytes.h"
#include "bytes/object_format.h"

namespace lazuli::bytes {

// Where an object's image lies. `read_at` fills its argument from an offset within the image, as
// far as the image goes; it is called by one thread at a time.
struct ImageSource {
  uint64_t size = 0;
  std::function<Result<size_t>(uint64_t, std::span<std::byte>)> read_at;
};

// Opens an image: header, then the last chunk, which proves the size.
Result<std::unique_ptr<Reader>> open_image(const FindKey& find_key, const ObjectId& id,
                                           ImageSource source);

}  // namespace lazuli::bytes
