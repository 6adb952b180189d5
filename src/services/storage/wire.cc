// SPDX-License-Identifier: Apache-2.0
#include "services/storage/wire.h"

#include "base/strings.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "services/storage/errors.h"
#include "services/storage/names.h"

namespace lazuli::storage {
namespace {

constexpr std::string_view kMetadataPrefix = "x-ms-meta-";
constexpr size_t kMd5Bytes = 16;
constexpr size_t kBlockIdBytesMax = 64;

// A name that XML cannot carry is sent percent-encoded and marked so.
void add_name(XmlElement& parent, const std::string& name) {
  bool plain = true;
  for (char c : name) plain = plain && static_cast<unsigned char>(c) >= 0x20;
  plain = plain && name.find("\xEF\xBF\xBE") == std::string::npos &&
          name.find("\xEF\xBF\xBF") == std::string::npos;
  XmlElement& element = parent.add("Name", plain ? name : url_encode(name, true));
  if (!plain) element.attributes.emplace_back("Encoded", "true");
}

void add_metadata(XmlElement& parent, const Metadata& metadata) {
  XmlElement& element = parent.add("Metadata");
  for (const auto& [name, value] : metadata) element.add(name, value);
}

void add_blob(XmlElement& parent, const Blob& blob, bool with_metadata) {
  XmlElement& element = parent.add("Blob");
  add_name(element, blob.name);
  XmlElement& properties = element.add("Properties");
  properties.add("Creation-Time", format_http_date(blob.created));
  properties.add("Last-Modified", format_http_date(blob.modified));
  properties.add("Etag", format_etag_bare(blob.etag));
  properties.add("Content-Length", std::to_string(blob.size));
  properties.add("Content-Type", blob.content.type);
  properties.add("Content-Encoding", blob.content.encoding);
  properties.add("Content-Language", blob.content.language);
  properties.add("Content-CRC64");
  properties.add("Content-MD5", to_base64(blob.content.md5));
  properties.add("Cache-Control", blob.content.cache_control);
  properties.add("Content-Disposition", blob.content.disposition);
  properties.add("BlobType", "BlockBlob");
  properties.add("AccessTier", "Hot");
  properties.add("AccessTierInferred", "true");
  properties.add("LeaseStatus", "unlocked");
  properties.add("LeaseState", "available");
  properties.add("ServerEncrypted", "true");
  if (with_metadata) add_metadata(element, blob.metadata);
  element.add("OrMetadata");
}

std::string service_endpoint(const core::RequestContext& context) {
  const http::RequestHead& head = context.head();
  std::string endpoint =
      cat({head.tls ? "https://" : "http://", head.host, context.port_suffix(), "/"});
  auto target = target_of(head);
  if (target.ok() && target->path_style) endpoint += target->account + "/";
  return endpoint;
}

XmlElement enumeration(const core::RequestContext& context, const std::string& prefix,
                       size_t count) {
  XmlElement root("EnumerationResults");
  root.attributes.emplace_back("ServiceEndpoint", service_endpoint(context));
  if (!prefix.empty()) root.add("Prefix", prefix);
  if (auto marker = context.query("marker"); marker && !marker->empty())
    root.add("Marker", std::string(*marker));
  root.add("MaxResults", std::to_string(count));
  return root;
}

void add_blocks(XmlElement& parent, const char* name, const std::vector<Block>& blocks) {
  XmlElement& list = parent.add(name);
  for (const Block& block : blocks) {
    XmlElement& element = list.add("Block");
    element.add("Name", block.id);
    element.add("Size", std::to_string(block.size));
  }
}

std::optional<uint64_t> parse_position(std::string_view text) {
  auto value = parse_int(text);
  if (!value || *value < 0) return {};
  return static_cast<uint64_t>(*value);
}

void put_if(http::Response& response, std::string_view name, const std::string& value) {
  if (!value.empty()) response.header(name, value);
}

}  // namespace

BlobPath path_of(const core::RequestContext& context) {
  return {context.param("account"), context.param("container"), context.param("blob")};
}

Metadata metadata_of(const http::Headers& headers) {
  Metadata metadata;
  for (const auto field : headers.fields())
    if (istarts_with(field.name, kMetadataPrefix))
      metadata[std::string(field.name.substr(kMetadataPrefix.size()))] = trim(field.value);
  return metadata;
}

Result<std::string> md5_header(const http::Headers& headers, std::string_view name) {
  auto text = headers.get(name);
  if (!text || text->empty()) return std::string();
  auto raw = from_base64(trim(*text));
  if (!raw.ok() || raw->size() != kMd5Bytes) return invalid_md5();
  return raw;
}

Result<ContentHeaders> content_headers_of(const http::Headers& headers, bool with_plain) {
  auto value = [&](std::string_view own, std::string_view plain) {
    std::string_view fallback = with_plain ? headers.get_or(plain, "") : std::string_view();
    return std::string(headers.get_or(own, fallback));
  };
  ContentHeaders content;
  content.type = value("x-ms-blob-content-type", "Content-Type");
  content.encoding = value("x-ms-blob-content-encoding", "Content-Encoding");
  content.language = value("x-ms-blob-content-language", "Content-Language");
  content.cache_control = value("x-ms-blob-cache-control", "Cache-Control");
  content.disposition = headers.get_or("x-ms-blob-content-disposition", "");
  content.md5 = TRY(md5_header(headers, "x-ms-blob-content-md5"));
  return content;
}

Result<std::optional<Range>> range_of(const http::Headers& headers) {
  std::string_view text = headers.get_or("x-ms-range", headers.get_or("Range", ""));
  text = trim(text);
  if (text.empty()) return std::optional<Range>();
  constexpr std::string_view kUnit = "bytes=";
  size_t dash = text.find('-');
  if (!istarts_with(text, kUnit) || dash == std::string_view::npos) return invalid_header("Range");
  auto begin = parse_position(text.substr(kUnit.size(), dash - kUnit.size()));
  if (!begin) return invalid_header("Range");
  Range range{*begin, {}};
  std::string_view last = text.substr(dash + 1);
  if (!last.empty()) {
    auto position = parse_position(last);
    if (!position || *position < *begin) return invalid_header("Range");
    range.end = *position + 1;
  }
  return std::optional<Range>(range);
}

void put_validators(http::Response& response, uint64_t etag, Timestamp modified) {
  response.header("ETag", format_etag(etag));
  response.header("Last-Modified", format_http_date(modified));
}

void put_metadata(http::Response& response, const Metadata& metadata) {
  for (const auto& [name, value] : metadata)
    response.header(std::string(kMetadataPrefix) + name, value);
}

void put_blob_properties(http::Response& response, const Blob& blob) {
  put_validators(response, blob.etag, blob.modified);
  put_metadata(response, blob.metadata);
  put_if(response, "Content-Type", blob.content.type);
  put_if(response, "Content-Encoding", blob.content.encoding);
  put_if(response, "Content-Language", blob.content.language);
  put_if(response, "Cache-Control", blob.content.cache_control);
  put_if(response, "Content-Disposition", blob.content.disposition);
  response.header("Accept-Ranges", "bytes");
  response.header("x-ms-creation-time", format_http_date(blob.created));
  response.header("x-ms-blob-type", "BlockBlob");
  response.header("x-ms-lease-status", "unlocked");
  response.header("x-ms-lease-state", "available");
  response.header("x-ms-server-encrypted", "true");
}

http::Response xml_response(const std::string& document) {
  http::Response response(200);
  response.header("Content-Type", "application/xml");
  response.body = document;
  return response;
}

std::string dump_blob_list(const core::RequestContext& context, const ListQuery& query,
                           const ListPage& page, bool with_metadata) {
  XmlElement root = enumeration(context, query.prefix, query.count);
  root.attributes.emplace_back("ContainerName", context.param("container"));
  if (!query.delimiter.empty()) root.add("Delimiter", query.delimiter);
  XmlElement& blobs = root.add("Blobs");
  for (const ListPage::Item& item : page.items) {
    if (item.blob) {
      add_blob(blobs, *item.blob, with_metadata);
    } else {
      add_name(blobs.add("BlobPrefix"), item.prefix);
    }
  }
  root.add("NextMarker", dump_marker(page.next));
  return dump_xml(root);
}

std::string dump_container_list(const core::RequestContext& context,
                                const std::vector<Container>& containers, const std::string& prefix,
                                size_t count, const std::string& next, bool with_metadata) {
  XmlElement root = enumeration(context, prefix, count);
  XmlElement& list = root.add("Containers");
  for (const Container& container : containers) {
    XmlElement& element = list.add("Container");
    element.add("Name", container.name);
    XmlElement& properties = element.add("Properties");
    properties.add("Last-Modified", format_http_date(container.modified));
    properties.add("Etag", format_etag(container.etag));
    properties.add("LeaseStatus", "unlocked");
    properties.add("LeaseState", "available");
    properties.add("HasImmutabilityPolicy", "false");
    properties.add("HasLegalHold", "false");
    if (with_metadata) add_metadata(element, container.metadata);
  }
  root.add("NextMarker", dump_marker(next));
  return dump_xml(root);
}

std::string dump_block_lists(const BlockLists& lists, bool committed, bool uncommitted) {
  XmlElement root("BlockList");
  if (committed) add_blocks(root, "CommittedBlocks", lists.committed);
  if (uncommitted) add_blocks(root, "UncommittedBlocks", lists.uncommitted);
  return dump_xml(root);
}

Result<std::vector<BlockRef>> parse_block_list(const std::string& document) {
  auto root = parse_xml(document);
  if (!root.ok() || root->name != "BlockList") return invalid_xml();
  std::vector<BlockRef> list;
  list.reserve(root->children.size());
  for (const XmlElement& element : root->children) {
    BlockRef ref;
    if (element.name == "Latest")
      ref.from = BlockRef::From::kLatest;
    else if (element.name == "Committed")
      ref.from = BlockRef::From::kCommitted;
    else if (element.name == "Uncommitted")
      ref.from = BlockRef::From::kUncommitted;
    else
      return invalid_xml();
    ref.id = trim(element.text);
    auto raw = from_base64(ref.id);
    if (!raw.ok() || raw->empty() || raw->size() > kBlockIdBytesMax) return invalid_block_list();
    list.push_back(std::move(ref));
  }
  return list;
}

std::string dump_marker(const std::string& next) { return to_base64url(next); }

Result<std::string> parse_marker(std::string_view marker) {
  auto next = from_base64url(marker);
  if (!next.ok()) return invalid_query("marker");
  return next;
}

}  // namespace lazuli::storage
