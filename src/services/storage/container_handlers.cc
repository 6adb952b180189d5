// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/strings.h"
#include "codec/text.h"
#include "services/storage/conditions.h"
#include "services/storage/errors.h"
#include "services/storage/handlers.h"
#include "services/storage/names.h"
#include "services/storage/wire.h"

namespace lazuli::storage {
namespace {

constexpr size_t kPageMax = 5000;
constexpr size_t kPrefixBytesMax = 4096;

// maxresults: above the maximum means the maximum; below 1 is an error.
Result<size_t> page_size(const core::RequestContext& context) {
  auto text = context.query("maxresults");
  if (!text || text->empty()) return kPageMax;
  auto value = parse_int(*text);
  if (!value || *value < 1)
    return invalid_argument("maxresults must be at least 1.", "OutOfRangeQueryParameterValue");
  return static_cast<size_t>(std::min<int64_t>(*value, kPageMax));
}

// include= lists what to show beside committed blobs. Of what this server never has (snapshots,
// versions, copies, tags, deleted blobs) there is nothing to show.
Result<bool> includes_metadata(const core::RequestContext& context) {
  static constexpr std::string_view kEmpty[] = {
      "snapshots",          "copy",      "deleted",     "tags",  "versions", "deletedwithversions",
      "immutabilitypolicy", "legalhold", "permissions", "system"};
  bool metadata = false;
  for (std::string_view item : split(context.query_or("include", ""), ',')) {
    item = trim(item);
    if (item.empty()) continue;
    if (iequals(item, "metadata"))
      metadata = true;
    else if (iequals(item, "uncommittedblobs"))
      return not_here("Listing uncommitted blobs");
    else if (std::none_of(std::begin(kEmpty), std::end(kEmpty),
                          [&](std::string_view known) { return iequals(known, item); }))
      return invalid_query("include");
  }
  return metadata;
}

Result<std::string> bounded(const core::RequestContext& context, std::string_view name) {
  std::string_view text = context.query_or(name, "");
  if (text.size() > kPrefixBytesMax || !is_utf8(text)) return invalid_query(name);
  return std::string(text);
}

}  // namespace

// list-containers2
Answer list_containers(Parts& parts, core::RequestContext& context) {
  TRY(refuse_unknown(context, "list"));
  const std::string prefix = TRY(bounded(context, "prefix"));
  const size_t count = TRY(page_size(context));
  const bool metadata = TRY(includes_metadata(context));
  std::string from = std::max(TRY(parse_marker(context.query_or("marker", ""))), prefix);
  auto containers = TRY(parts.blobs.list_containers(context.param("account"), from, count + 1));
  std::erase_if(containers, [&](const Container& c) { return !c.name.starts_with(prefix); });
  std::string next;
  if (containers.size() > count) {
    next = containers.back().name;
    containers.pop_back();
  }
  return xml_response(dump_container_list(context, containers, prefix, count, next, metadata));
}

// get-account-information: one copy on this machine's disk, flat names.
Answer get_account_information(Parts&, core::RequestContext&) {
  http::Response response(200);
  response.header("x-ms-sku-name", "Standard_LRS");
  response.header("x-ms-account-kind", "StorageV2");
  response.header("x-ms-is-hns-enabled", "false");
  return response;
}

// create-container
Answer create_container(Parts& parts, core::RequestContext& context) {
  TRY(refuse_unknown(context, ""));
  if (!context.header("x-ms-blob-public-access").empty())
    return not_here("Anonymous public access");
  auto container = TRY(parts.blobs.create_container(
      context.param("account"), context.param("container"), metadata_of(context.head().headers)));
  http::Response response(201);
  put_validators(response, container.etag, container.modified);
  return response;
}

// get-container-properties, get-container-metadata
Answer get_container_properties(Parts& parts, core::RequestContext& context) {
  TRY(refuse_unknown(context, context.query("comp") ? "metadata" : ""));
  auto container =
      TRY(parts.blobs.get_container(context.param("account"), context.param("container")));
  http::Response response(200);
  put_validators(response, container.etag, container.modified);
  put_metadata(response, container.metadata);
  response.header("x-ms-lease-status", "unlocked");
  response.header("x-ms-lease-state", "available");
  response.header("x-ms-has-immutability-policy", "false");
  response.header("x-ms-has-legal-hold", "false");
  return response;
}

// set-container-metadata
Answer set_container_metadata(Parts& parts, core::RequestContext& context) {
  TRY(refuse_unknown(context, "metadata"));
  const http::Headers& headers = context.head().headers;
  auto conditions = TRY(parse_conditions(headers));
  auto container = TRY(parts.blobs.set_container_metadata(
      context.param("account"), context.param("container"), metadata_of(headers), conditions));
  http::Response response(200);
  put_validators(response, container.etag, container.modified);
  return response;
}

// delete-container
Answer delete_container(Parts& parts, core::RequestContext& context) {
  TRY(refuse_unknown(context, ""));
  auto conditions = TRY(parse_conditions(context.head().headers));
  if (!TRY(remove_container(parts, context.param("account"), context.param("container"),
                            conditions)))
    return container_not_found();
  return http::Response(202);
}

Result<bool> remove_container(Parts& parts, const std::string& account, const std::string& name,
                              const Conditions& conditions) {
  const std::string id =
      cat({TRY(parts.accounts.get(account))->arm_id, "/blobServices/default/containers/", name});
  auto removed = parts.blobs.delete_container(account, name, conditions, [&](db::Tx& tx) {
    return core::publish_deleted(parts.events, tx, id);
  });
  if (!removed.ok() && removed.error().wire_code == container_not_found().wire_code) return false;
  TRY(std::move(removed));
  return true;
}

Result<void> remove_accounts(Parts& parts, const core::Installation& installation, db::Tx& tx,
                             const std::string& resource_id) {
  const auto names = TRY(parts.accounts.at(tx, resource_id));
  for (const std::string& name : names) {
    if (name == installation.storage_account)
      return conflict(cat({"The storage account '", name,
                           "' holds what the installation itself was made with and stays."}),
                      "StorageAccountDeletionBlocked");
    TRY(parts.blobs.delete_containers_of(tx, name));
    TRY(parts.accounts.remove(tx, name));
  }
  return {};
}

// list-blobs
Answer list_blobs(Parts& parts, core::RequestContext& context) {
  TRY(require_letters(context, "l"));
  TRY(refuse_unknown(context, "list"));
  ListQuery query;
  query.prefix = TRY(bounded(context, "prefix"));
  query.delimiter = TRY(bounded(context, "delimiter"));
  query.count = TRY(page_size(context));
  query.from = TRY(parse_marker(context.query_or("marker", "")));
  if (query.from.empty()) query.from = TRY(bounded(context, "startFrom"));
  const bool metadata = TRY(includes_metadata(context));
  auto page = TRY(parts.blobs.list(context.param("account"), context.param("container"), query));
  return xml_response(dump_blob_list(context, query, page, metadata));
}

}  // namespace lazuli::storage
