// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "services/storage/errors.h"
#include "services/storage/handlers.h"
#include "services/storage/sas.h"

namespace lazuli::storage {

Result<void> require_letters(const core::RequestContext& context, std::string_view letters) {
  if (context.principal().kind() != core::CredentialKind::kSas) return {};
  // The SAS has been verified, so its `sp` is what the account's holder granted.
  if (!sas_allows(context.query_or("sp", ""), letters)) return permission_mismatch();
  return {};
}

bool may_replace(const core::RequestContext& context) {
  return context.principal().kind() != core::CredentialKind::kSas ||
         sas_allows(context.query_or("sp", ""), "w");
}

Result<StagedObject> received(Blobs& blobs, core::RequestContext& context) {
  auto* sink = static_cast<UploadSink*>(context.sink());
  if (sink == nullptr) return stage_content(blobs.bytes(), {});
  return sink->finish();
}

Result<void> refuse_unknown(const core::RequestContext& context, std::string_view comp) {
  if (!iequals(context.query_or("comp", ""), comp)) return invalid_query("comp");
  if (context.query("snapshot")) return not_here("A blob snapshot");
  if (context.query("versionid")) return not_here("A blob version");
  const http::Headers& headers = context.head().headers;
  if (headers.contains("x-ms-lease-id"))
    return precondition_failed("There is currently no lease on the blob or container.",
                               "LeaseNotPresentWithBlobOperation");
  static constexpr std::pair<std::string_view, std::string_view> kFeatures[] = {
      {"x-ms-encryption-key", "A customer-provided encryption key"},
      {"x-ms-encryption-scope", "An encryption scope"},
      {"x-ms-structured-body", "A structured message body"},
      {"x-ms-tags", "A blob's index tags"},
      {"x-ms-if-tags", "A condition on a blob's index tags"},
      {"x-ms-copy-source", "Copying a blob"},
      {"x-ms-content-crc64", "A CRC64 of the body"},
      {"x-ms-range-get-content-crc64", "A CRC64 of a range"},
  };
  for (const auto& [header, feature] : kFeatures)
    if (headers.contains(header)) return not_here(feature);
  return {};
}

}  // namespace lazuli::storage
