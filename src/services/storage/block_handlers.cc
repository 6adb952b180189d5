// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "codec/text.h"
#include "services/storage/conditions.h"
#include "services/storage/errors.h"
#include "services/storage/handlers.h"
#include "services/storage/signature.h"
#include "services/storage/wire.h"

namespace lazuli::storage {
namespace {
constexpr size_t kBlockIdBytesMax = 64;
}  // namespace

// put-block
Answer put_block(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "cw"));
  TRY(refuse_unknown(context, "block"));
  const http::Headers& headers = context.head().headers;
  const std::string block_id(context.query_or("blockid", ""));
  auto raw_id = from_base64(block_id);
  if (!raw_id.ok() || raw_id->empty() || raw_id->size() > kBlockIdBytesMax)
    return invalid_query("blockid");
  const std::string body_md5 = TRY(md5_header(headers, "Content-MD5"));
  StagedObject content = TRY(received(parts.blobs, context));
  const std::string md5 = content.info().md5;
  if (content.info().size == 0) return invalid_header("Content-Length");
  if (!body_md5.empty() && body_md5 != md5) return md5_mismatch();
  TRY(parts.blobs.stage_block(path_of(context), block_id, std::move(content)));
  http::Response response(201);
  response.header("Content-MD5", to_base64(md5));
  response.header("x-ms-request-server-encrypted", "true");
  return response;
}

// put-block-list
Answer put_block_list(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "cw"));
  TRY(refuse_unknown(context, "blocklist"));
  const http::Headers& headers = context.head().headers;
  const std::string body_md5 = TRY(md5_header(headers, "Content-MD5"));
  if (!body_md5.empty() && body_md5 != md5_of(context.body())) return md5_mismatch();
  auto list = TRY(parse_block_list(context.body()));
  BlobAttributes attributes;
  attributes.metadata = metadata_of(headers);
  attributes.content = TRY(content_headers_of(headers, false));
  if (attributes.content.type.empty()) attributes.content.type = "application/octet-stream";
  WriteRules rules{TRY(parse_conditions(headers)), may_replace(context)};
  Blob blob = TRY(parts.blobs.commit_blocks(path_of(context), list, std::move(attributes), rules));
  http::Response response(201);
  put_validators(response, blob.etag, blob.modified);
  response.header("Content-MD5", to_base64(md5_of(context.body())));
  response.header("x-ms-request-server-encrypted", "true");
  return response;
}

// get-block-list
Answer get_block_list(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "r"));
  TRY(refuse_unknown(context, "blocklist"));
  std::string_view type = context.query_or("blocklisttype", "committed");
  const bool all = iequals(type, "all");
  if (!all && !iequals(type, "committed") && !iequals(type, "uncommitted"))
    return invalid_query("blocklisttype");
  auto lists = TRY(parts.blobs.block_lists(path_of(context)));
  http::Response response = xml_response(dump_block_lists(lists, all || iequals(type, "committed"),
                                                          all || iequals(type, "uncommitted")));
  if (lists.blob) put_validators(response, lists.blob->etag, lists.blob->modified);
  response.header("x-ms-blob-content-length", std::to_string(lists.blob ? lists.blob->size : 0));
  return response;
}

}  // namespace lazuli::storage
