// SPDX-License-Identifier: Apache-2.0
// Source: azure-ai-ml azure/ai/ml/_artifacts/_artifact_utilities.py (get_snapshot_storage_info).
#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "services/assets/handlers.h"

namespace lazuli::assets {

// A container of the upload's own, with a SAS that reaches nothing else.
Answer start_pending_upload(Registry& registry, Kind kind, Context& context) {
  VersionKey key = key_of(kind, context);
  workspace::Workspace workspace = TRY(registry.workspaces().get(key.workspace));
  Json body = TRY(context.json());
  std::string type = body["pendingUploadType"].text();
  if (type.empty()) type = "TemporaryBlobReference";
  if (type != "TemporaryBlobReference")
    return invalid_argument(cat({"pendingUploadType '", type, "' is unknown"}));
  std::string container = cat({workspace::kUploadContainerPrefix, new_uuid()});
  TRY(registry.storage().ensure_container(workspace.storage_account, container));
  storage::SasOptions sas;
  sas.permissions = "racwl";
  sas.lifetime = core::lifetime_within(context.principal(), std::chrono::hours(24));
  std::string token =
      TRY(registry.storage().make_sas({workspace.storage_account, container, ""}, sas));
  std::string uri = context.url(workspace.storage_account + ".blob.core", "/" + container);
  Json reference = Json::object(
      {{"blobUri", uri},
       {"storageAccountArmId", TRY(registry.storage().arm_id(workspace.storage_account))},
       {"credential",
        Json::object({{"credentialType", "SAS"}, {"sasUri", cat({uri, "?", token})}})}});
  return core::json_response(Json::object({{"pendingUploadId", new_uuid()},
                                           {"pendingUploadType", type},
                                           {"blobReferenceForConsumption", std::move(reference)}}));
}

}  // namespace lazuli::assets
