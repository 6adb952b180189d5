// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "base/strings.h"
#include "codec/text.h"
#include "services/storage/conditions.h"
#include "services/storage/errors.h"
#include "services/storage/handlers.h"
#include "services/storage/names.h"
#include "services/storage/signature.h"
#include "services/storage/wire.h"

namespace lazuli::storage {
namespace {

constexpr uint64_t kRangeMd5BytesMax = 4u << 20;

// What the SAS says about the answer's headers (rscc, rscd, rsce, rscl, rsct) replaces the blob's
// own.
void override_headers(const core::RequestContext& context, http::Response& response) {
  if (context.principal().kind() != core::CredentialKind::kSas) return;
  static constexpr std::pair<std::string_view, std::string_view> kOverrides[] = {
      {"rscc", "Cache-Control"},    {"rscd", "Content-Disposition"}, {"rsce", "Content-Encoding"},
      {"rscl", "Content-Language"}, {"rsct", "Content-Type"},
  };
  for (const auto& [parameter, header] : kOverrides)
    if (auto value = context.query(parameter); value && !value->empty())
      response.header(header, *value);
}

struct Slice {
  uint64_t begin = 0, end = 0;
};

// A start at or behind the end is 416, so that a range of an empty blob always is.
Result<Slice> slice_of(const Range& range, uint64_t size) {
  if (range.begin >= size) return invalid_range();
  return Slice{range.begin, std::min(range.end.value_or(size), size)};
}

Result<std::string> range_md5(bytes::Reader& reader, Slice slice) {
  std::string data(slice.end - slice.begin, '\0');
  size_t filled = TRY(reader.read(slice.begin, std::as_writable_bytes(std::span(data))));
  if (filled != data.size()) return internal_error("a blob ended before its size");
  return to_base64(md5_of(data));
}

}  // namespace

// put-blob
Answer put_blob(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "cw"));
  TRY(refuse_unknown(context, ""));
  const http::Headers& headers = context.head().headers;
  std::string_view type = context.header("x-ms-blob-type");
  if (type.empty()) return missing_header("x-ms-blob-type");
  if (iequals(type, "AppendBlob") || iequals(type, "PageBlob")) return not_here(type);
  if (!iequals(type, "BlockBlob")) return invalid_header("x-ms-blob-type");

  BlobAttributes attributes;
  attributes.metadata = metadata_of(headers);
  attributes.content = TRY(content_headers_of(headers, true));
  if (attributes.content.type.empty()) attributes.content.type = "application/octet-stream";
  const std::string body_md5 = TRY(md5_header(headers, "Content-MD5"));
  WriteRules rules{TRY(parse_conditions(headers)), may_replace(context)};

  StagedObject content = TRY(received(parts.blobs, context));
  const std::string md5 = content.info().md5;
  for (const std::string& expected : {body_md5, attributes.content.md5})
    if (!expected.empty() && expected != md5) return md5_mismatch();
  Blob blob =
      TRY(parts.blobs.put(path_of(context), std::move(content), std::move(attributes), rules));
  http::Response response(201);
  put_validators(response, blob.etag, blob.modified);
  response.header("Content-MD5", to_base64(md5));
  response.header("x-ms-request-server-encrypted", "true");
  return response;
}

// get-blob
Answer get_blob(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "r"));
  TRY(refuse_unknown(context, ""));
  const http::Headers& headers = context.head().headers;
  auto conditions = TRY(parse_conditions(headers));
  auto range = TRY(range_of(headers));
  const Range wanted = range.value_or(Range{});
  OpenBlob open = TRY(parts.blobs.open(path_of(context), wanted.begin,
                                       wanted.end.value_or(std::numeric_limits<int64_t>::max())));
  const Blob& blob = open.blob;
  TRY(check_read(conditions, blob.etag, blob.modified));
  Slice slice{0, blob.size};
  if (range) slice = TRY(slice_of(*range, blob.size));

  http::Response response(range ? 206 : 200);
  put_blob_properties(response, blob);
  if (range) {
    response.header("Content-Range",
                    cat({"bytes ", std::to_string(slice.begin), "-", std::to_string(slice.end - 1),
                         "/", std::to_string(blob.size)}));
    if (!blob.content.md5.empty())
      response.header("x-ms-blob-content-md5", to_base64(blob.content.md5));
    if (iequals(context.header("x-ms-range-get-content-md5"), "true")) {
      if (slice.end - slice.begin > kRangeMd5BytesMax)
        return invalid_header("x-ms-range-get-content-md5");
      response.header("Content-MD5", TRY(range_md5(*open.reader, slice)));
    }
  } else if (!blob.content.md5.empty()) {
    response.header("Content-MD5", to_base64(blob.content.md5));
  }
  override_headers(context, response);
  response.body = http::StreamBody{
      std::make_unique<RangeSource>(std::move(open.reader), slice.begin, slice.end),
      slice.end - slice.begin};
  return response;
}

// get-blob-properties
Answer get_blob_properties(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "r"));
  TRY(refuse_unknown(context, ""));
  auto conditions = TRY(parse_conditions(context.head().headers));
  Blob blob = TRY(parts.blobs.get(path_of(context)));
  TRY(check_read(conditions, blob.etag, blob.modified));
  http::Response response(200);
  put_blob_properties(response, blob);
  if (!blob.content.md5.empty()) response.header("Content-MD5", to_base64(blob.content.md5));
  response.header("x-ms-access-tier", "Hot");
  response.header("x-ms-access-tier-inferred", "true");
  override_headers(context, response);
  response.header("Content-Length", std::to_string(blob.size));
  return response;
}

// get-blob-metadata
Answer get_blob_metadata(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "r"));
  TRY(refuse_unknown(context, "metadata"));
  auto conditions = TRY(parse_conditions(context.head().headers));
  Blob blob = TRY(parts.blobs.get(path_of(context)));
  TRY(check_read(conditions, blob.etag, blob.modified));
  http::Response response(200);
  put_validators(response, blob.etag, blob.modified);
  put_metadata(response, blob.metadata);
  return response;
}

// set-blob-metadata
Answer set_blob_metadata(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "w"));
  TRY(refuse_unknown(context, "metadata"));
  const http::Headers& headers = context.head().headers;
  auto conditions = TRY(parse_conditions(headers));
  Blob blob = TRY(parts.blobs.set_metadata(path_of(context), metadata_of(headers), conditions));
  http::Response response(200);
  put_validators(response, blob.etag, blob.modified);
  response.header("x-ms-request-server-encrypted", "true");
  return response;
}

// set-blob-properties: what is not sent is cleared.
Answer set_blob_properties(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "w"));
  TRY(refuse_unknown(context, "properties"));
  const http::Headers& headers = context.head().headers;
  auto content = TRY(content_headers_of(headers, false));
  if (content.type.empty()) content.type = "application/octet-stream";
  auto conditions = TRY(parse_conditions(headers));
  Blob blob = TRY(parts.blobs.set_content(path_of(context), content, conditions));
  http::Response response(200);
  put_validators(response, blob.etag, blob.modified);
  return response;
}

// delete-blob
Answer delete_blob(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "d"));
  TRY(refuse_unknown(context, ""));
  auto conditions = TRY(parse_conditions(context.head().headers));
  TRY(parts.blobs.remove(path_of(context), conditions));
  http::Response response(202);
  response.header("x-ms-delete-type-permanent", "true");
  return response;
}

}  // namespace lazuli::storage
