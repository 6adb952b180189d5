// SPDX-License-Identifier: Apache-2.0
#include "services/storage/attributes.h"

#include "base/strings.h"
#include "base/time.h"

namespace lazuli::storage {
namespace {

constexpr std::string_view kAccounts = "Microsoft.Storage/storageAccounts";
constexpr std::string_view kContainers =
    "Microsoft.Storage/storageAccounts/blobServices/containers";

}  // namespace

core::Attributes attributes_of(const core::RequestContext& context) {
  core::Attributes attributes;
  attributes.set("Resource", cat({kAccounts, ":name"}), context.param("account"));
  if (const std::string& container = context.param("container"); !container.empty()) {
    attributes.set("Resource", cat({kContainers, ":name"}), container);
    attributes.set("Resource", cat({kContainers, ":ContainerName"}), container);
  }
  if (const std::string& blob = context.param("blob"); !blob.empty())
    attributes.set("Resource", cat({kContainers, "/blobs:path"}), blob);
  if (auto prefix = context.query("prefix"))
    attributes.set("Request", cat({kContainers, "/blobs:prefix"}), std::string(*prefix));
  if (iequals(context.query_or("comp", ""), "list") && !context.param("container").empty()) {
    attributes.add_suboperation("Blob.List");
    attributes.set("Request", "subOperation", "Blob.List");
  }
  attributes.set("Environment", "UtcNow", format_iso8601(now()));
  attributes.set("Environment", "isPrivateLink", "false");  // there are no private endpoints
  return attributes;
}

}  // namespace lazuli::storage
