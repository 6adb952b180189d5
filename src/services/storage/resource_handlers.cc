// SPDX-License-Identifier: Apache-2.0
// Blob containers as resources of Azure Resource Manager: the same containers that the data plane
// makes, lists and deletes. https://learn.microsoft.com/rest/api/storagerp/blob-containers
#include <algorithm>

#include "base/strings.h"
#include "core/arm.h"
#include "services/storage/errors.h"
#include "services/storage/handlers.h"
#include "services/storage/names.h"
#include "services/storage/wire.h"

namespace lazuli::storage {
namespace {

constexpr std::string_view kContainers = "/blobServices/default/containers";
constexpr size_t kPageMax = 5000;

// The account that the path names, and names by its whole id.
Result<std::string> account_id_of(Parts& parts, const core::RequestContext& context) {
  const std::string id =
      cat({"/subscriptions/", context.param("sub"), "/resourceGroups/", context.param("rg"),
           "/providers/Microsoft.Storage/storageAccounts/", context.param("account")});
  auto account = parts.accounts.get(to_lower(context.param("account")));
  if (account.ok() && iequals((*account)->arm_id, id)) return (*account)->arm_id;
  if (!account.ok() && account.error().code != Code::kNotFound) return std::move(account).error();
  return not_found(
      cat({"The Resource 'Microsoft.Storage/storageAccounts/", context.param("account"),
           "' under resource group '", context.param("rg"), "' was not found."}),
      "ResourceNotFound");
}

std::string account_name(const core::RequestContext& context) {
  return to_lower(context.param("account"));
}

Json container_json(const std::string& account_id, const Container& container) {
  Json metadata = Json::object();
  for (const auto& [name, value] : container.metadata) metadata.set(name, value);
  const std::string etag = format_etag(container.etag);
  return Json::object(
      {{"id", cat({account_id, kContainers, "/", container.name})},
       {"name", container.name},
       {"type", "Microsoft.Storage/storageAccounts/blobServices/containers"},
       {"etag", etag},
       {"properties", Json::object({{"publicAccess", "None"},
                                    {"leaseStatus", "Unlocked"},
                                    {"leaseState", "Available"},
                                    {"lastModifiedTime", format_iso8601(container.modified)},
                                    {"hasImmutabilityPolicy", false},
                                    {"hasLegalHold", false},
                                    {"deleted", false},
                                    {"remainingRetentionDays", 0},
                                    {"metadata", std::move(metadata)}})}});
}

http::Response with_etag(const Json& body, int status) {
  http::Response response = core::json_response(body, status);
  response.header("ETag", std::string(body["etag"].str()));
  return response;
}

// Nothing where none is sent: what is there stays.
Result<std::optional<Metadata>> metadata_in(const Json& body) {
  const Json& properties = body["properties"];
  const std::string_view access = properties["publicAccess"].str("None");
  if (!iequals(access, "None") && !access.empty()) return not_here("Anonymous public access");
  if (!properties["metadata"].is_object()) return std::optional<Metadata>();
  Metadata metadata;
  for (const Json::Member& each : properties["metadata"].members()) {
    if (!each.value.is_string())
      return invalid_argument(cat({"The metadata '", each.key.substr(0, 100), "' is no text."}),
                              "InvalidMetadata");
    metadata[to_lower(each.key)] = each.value.str();
  }
  return std::optional<Metadata>(std::move(metadata));
}

// startswith(name,'prefix'), which is all that the service itself knows.
Result<std::string> prefix_of(std::string_view filter) {
  constexpr std::string_view kOpen = "startswith(name,";
  filter = trim(filter);
  if (filter.empty()) return std::string();
  const std::string plain = replace_all(std::string(filter), " ", "");
  std::string_view rest = plain;
  const bool good = istarts_with(rest, kOpen) && rest.ends_with("')") &&
                    rest.size() > kOpen.size() + 2 && rest[kOpen.size()] == '\'';
  if (!good)
    return invalid_argument("$filter must be startswith(name,'prefix').", "InvalidFilterParameter");
  rest.remove_prefix(kOpen.size() + 1);
  rest.remove_suffix(2);
  return std::string(rest);
}

}  // namespace

// BlobContainers_List
Answer list_container_resources(Parts& parts, core::RequestContext& context) {
  const std::string id = TRY(account_id_of(parts, context));
  const std::string prefix = TRY(prefix_of(context.query_or("$filter", "")));
  const auto asked = parse_int(context.query_or("$maxpagesize", ""));
  const auto count = static_cast<size_t>(
      std::clamp<int64_t>(asked.value_or(kPageMax), 1, static_cast<int64_t>(kPageMax)));
  const std::string from = std::max(std::string(context.query_or("$skipToken", "")), prefix);
  auto containers = TRY(parts.blobs.list_containers(account_name(context), from, count + 1));
  std::string next;
  if (containers.size() > count) {
    next = containers.back().name;
    containers.pop_back();
  }
  if (!next.starts_with(prefix)) next.clear();
  Json::Array items;
  for (const Container& each : containers)
    if (each.name.starts_with(prefix)) items.push_back(container_json(id, each));
  std::string link;
  if (!next.empty()) {
    link = context.url("management",
                       cat({id, kContainers, "?api-version=", context.query_or("api-version", ""),
                            "&$maxpagesize=", std::to_string(count), "&$skipToken=", next}));
    if (!prefix.empty()) link += cat({"&$filter=startswith(name,'", prefix, "')"});
  }
  return core::json_response(core::arm_list(std::move(items), std::move(link)));
}

// BlobContainers_Get
Answer get_container_resource(Parts& parts, core::RequestContext& context) {
  const std::string id = TRY(account_id_of(parts, context));
  return with_etag(container_json(id, TRY(parts.blobs.get_container(account_name(context),
                                                                    context.param("container")))),
                   200);
}

// BlobContainers_Create: a container that is there already gets the metadata that is sent.
Answer put_container_resource(Parts& parts, core::RequestContext& context) {
  const std::string id = TRY(account_id_of(parts, context));
  const auto metadata = TRY(metadata_in(TRY(context.json())));
  const std::string account = account_name(context);
  const std::string& name = context.param("container");
  auto made = parts.blobs.create_container(account, name, metadata.value_or(Metadata{}));
  if (made.ok()) return with_etag(container_json(id, *made), 201);
  if (made.error().wire_code != container_already_exists().wire_code)
    return std::move(made).error();
  return with_etag(container_json(id, metadata ? TRY(parts.blobs.set_container_metadata(
                                                     account, name, *metadata, {}))
                                               : TRY(parts.blobs.get_container(account, name))),
                   200);
}

// BlobContainers_Update
Answer patch_container_resource(Parts& parts, core::RequestContext& context) {
  const std::string id = TRY(account_id_of(parts, context));
  const auto metadata = TRY(metadata_in(TRY(context.json())));
  const std::string account = account_name(context);
  const std::string& name = context.param("container");
  if (!metadata)
    return with_etag(container_json(id, TRY(parts.blobs.get_container(account, name))), 200);
  return with_etag(
      container_json(id, TRY(parts.blobs.set_container_metadata(account, name, *metadata, {}))),
      200);
}

// BlobContainers_Delete: with everything in it.
Answer delete_container_resource(Parts& parts, core::RequestContext& context) {
  TRY(account_id_of(parts, context));
  const auto gone =
      TRY(remove_container(parts, account_name(context), context.param("container"), {}));
  return http::Response(gone ? 200 : 204);
}

}  // namespace lazuli::storage
