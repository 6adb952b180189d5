// SPDX-License-Identifier: Apache-2.0
#include "bytes/bytes.h"

#include "base/strings.h"

namespace lazuli::bytes {

Result<ObjectInfo> Store::put(std::span<const std::byte> data) {
  std::unique_ptr<Writer> writer = TRY(create());
  TRY(writer->append(data));
  return writer->finish();
}

Result<ObjectInfo> Store::put(std::string_view data) {
  return put(std::as_bytes(std::span(data.data(), data.size())));
}

Result<std::string> Store::get(const ObjectId& id, uint64_t size_max) {
  std::unique_ptr<Reader> reader = TRY(open(id));
  if (reader->size() > size_max)
    return Error{Code::kPayloadTooLarge,
                 "RequestBodyTooLarge",
                 cat({"the stored object has ", std::to_string(reader->size()), " bytes, at most ",
                      std::to_string(size_max), " are wanted"}),
                 {},
                 {}};
  std::string out(static_cast<size_t>(reader->size()), '\0');
  size_t count = TRY(reader->read(0, std::as_writable_bytes(std::span(out))));
  CHECK(count == out.size());
  return out;
}

}  // namespace lazuli::bytes
