// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/context.h"
#include "http/message.h"
#include "services/storage/blobs.h"
#include "services/storage/model.h"

// The Blob service's headers and XML bodies <=> the model.
namespace lazuli::storage {

BlobPath path_of(const core::RequestContext& context);

Metadata metadata_of(const http::Headers& headers);
// The x-ms-blob-* headers; where `with_plain` also Content-Type, -Encoding, -Language and
// Cache-Control, which Put Blob takes for the blob's own.
Result<ContentHeaders> content_headers_of(const http::Headers& headers, bool with_plain);
// The raw value of an MD5 header; empty when absent.
Result<std::string> md5_header(const http::Headers& headers, std::string_view name);

// A byte range as asked for; `end` is exclusive and absent for "to the end".
struct Range {
  uint64_t begin = 0;
  std::optional<uint64_t> end;
};
// x-ms-range, else Range.
Result<std::optional<Range>> range_of(const http::Headers& headers);

void put_validators(http::Response& response, uint64_t etag, Timestamp modified);
void put_metadata(http::Response& response, const Metadata& metadata);
void put_blob_properties(http::Response& response, const Blob& blob);

http::Response xml_response(const std::string& document);
std::string dump_blob_list(const core::RequestContext& context, const ListQuery& query,
                           const ListPage& page, bool with_metadata);
std::string dump_container_list(const core::RequestContext& context,
                                const std::vector<Container>& containers, const std::string& prefix,
                                size_t count, const std::string& next, bool with_metadata);
std::string dump_block_lists(const BlockLists& lists, bool committed, bool uncommitted);
Result<std::vector<BlockRef>> parse_block_list(const std::string& document);

// Where a page of a listing goes on, as an opaque text.
std::string dump_marker(const std::string& next);
Result<std::string> parse_marker(std::string_view marker);

}  // namespace lazuli::storage
