// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "services/storage/attributes.h"
#include "services/storage/errors.h"
#include "services/storage/names.h"
#include "services/storage/operations.h"
#include "services/storage/service.h"
#include "services/storage/store.h"

namespace lazuli::storage {
namespace {

using core::Host;
using core::Operation;
using http::Method;

constexpr const char* kAccount = "/";
constexpr const char* kContainer = "/{container}";
constexpr const char* kBlob = "/{container}/{blob*}";
constexpr uint64_t kPutBlobBytesMax = 5000ull << 20;
constexpr uint64_t kPutBlockBytesMax = 4000ull << 20;
constexpr uint64_t kKeyInfoBytesMax = 4096;
constexpr uint64_t kBlockListBytesMax = 16u << 20;

struct Entry {
  Method method;
  const char* path;
  const char* query;
  const char* operation_id;
  const Operation& operation;
  Answer (*handler)(Parts&, core::RequestContext&);
  uint64_t body_bytes_max;
  const char* summary;
};

// What is here.
const Entry kEntries[] = {
    {Method::kGet, kAccount, "comp=list", "ListContainers", kReadContainers, list_containers, 0,
     "Lists the containers of an account."},
    {Method::kGet, kAccount, "restype=account&comp=properties", "GetAccountInformation",
     kReadContainers, get_account_information, 0, "Tells an account's kind."},
    {Method::kGet, kContainer, "restype=account&comp=properties", "GetAccountInformation",
     kReadBlobs, get_account_information, 0, "Tells an account's kind."},
    {Method::kGet, kBlob, "restype=account&comp=properties", "GetAccountInformation", kReadBlobs,
     get_account_information, 0, "Tells an account's kind."},
    {Method::kPut, kContainer, "restype=container", "CreateContainer", kWriteContainers,
     create_container, 0, "Creates a container."},
    {Method::kGet, kContainer, "restype=container", "GetContainerProperties", kReadContainers,
     get_container_properties, 0, "Returns a container's properties and metadata."},
    {Method::kGet, kContainer, "restype=container&comp=metadata", "GetContainerMetadata",
     kReadContainers, get_container_properties, 0, "Returns a container's metadata."},
    {Method::kPut, kContainer, "restype=container&comp=metadata", "SetContainerMetadata",
     kWriteContainers, set_container_metadata, 0, "Replaces a container's metadata."},
    {Method::kDelete, kContainer, "restype=container", "DeleteContainer", kDeleteContainers,
     delete_container, 0, "Deletes a container with everything in it."},
    {Method::kGet, kContainer, "restype=container&comp=list", "ListBlobs", kReadBlobs, list_blobs,
     0, "Lists blobs, flat or by a delimiter."},
    {Method::kGet, kBlob, "", "GetBlob", kReadBlobs, get_blob, 0,
     "Returns a blob's content, or a range of it."},
    {Method::kHead, kBlob, "", "GetBlobProperties", kReadBlobs, get_blob_properties, 0,
     "Returns a blob's properties and metadata."},
    {Method::kGet, kBlob, "comp=metadata", "GetBlobMetadata", kReadBlobs, get_blob_metadata, 0,
     "Returns a blob's metadata."},
    {Method::kPut, kBlob, "comp=metadata", "SetBlobMetadata", kWriteBlobs, set_blob_metadata, 0,
     "Replaces a blob's metadata."},
    {Method::kPut, kBlob, "comp=properties", "SetBlobProperties", kWriteBlobs, set_blob_properties,
     0, "Replaces a blob's content headers."},
    {Method::kDelete, kBlob, "", "DeleteBlob", kDeleteBlobs, delete_blob, 0, "Deletes a blob."},
    {Method::kPut, kBlob, "comp=blocklist", "PutBlockList", kWriteBlobs, put_block_list,
     kBlockListBytesMax, "Makes a blob of staged and committed blocks."},
    {Method::kGet, kBlob, "comp=blocklist", "GetBlockList", kReadBlobs, get_block_list, 0,
     "Lists a blob's committed and staged blocks."},
};

// Keys are given to people and services alone, whose rights they carry on.
const Entry kDelegation = {Method::kPost,
                           kAccount,
                           "restype=service&comp=userdelegationkey",
                           "GetUserDelegationKey",
                           kGenerateDelegationKey,
                           get_user_delegation_key,
                           kKeyInfoBytesMax,
                           "Gives a key to sign shared access signatures with one's own rights."};

// What streams its body into the byte store.
const Entry kUploads[] = {
    {Method::kPut, kBlob, "", "PutBlob", kWriteBlobs, put_blob, kPutBlobBytesMax,
     "Creates or replaces a block blob."},
    {Method::kPut, kBlob, "comp=block", "PutBlock", kWriteBlobs, put_block, kPutBlockBytesMax,
     "Stages a block of a blob."},
};

// Blob containers as resources: the same as those of the data plane.
constexpr const char* kResource =
    "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Storage/storageAccounts/{account}"
    "/blobServices/default/containers";
constexpr std::string_view kContainerType =
    "Microsoft.Storage/storageAccounts/blobServices/containers";

struct ResourceEntry {
  Method method;
  std::string_view below;
  const char* operation_id;
  const Operation& operation;
  Answer (*handler)(Parts&, core::RequestContext&);
  const char* summary;
};
const ResourceEntry kResources[] = {
    {Method::kGet, "", "BlobContainers_List", kReadContainers, list_container_resources,
     "Lists the containers of an account."},
    {Method::kGet, "/{container}", "BlobContainers_Get", kReadContainers, get_container_resource,
     "Gets a container."},
    {Method::kPut, "/{container}", "BlobContainers_Create", kWriteContainers,
     put_container_resource, "Creates a container, or replaces its metadata."},
    {Method::kPatch, "/{container}", "BlobContainers_Update", kWriteContainers,
     patch_container_resource, "Replaces a container's metadata."},
    {Method::kDelete, "/{container}", "BlobContainers_Delete", kDeleteContainers,
     delete_container_resource, "Deletes a container with everything in it."},
};

struct Missing {
  Method method;
  const char* path;
  const char* query;
  const char* operation_id;
  const Operation& operation;
};

// What is known of the service and not here: answered 501 by name.
const Missing kMissing[] = {
    {Method::kGet, kAccount, "restype=service&comp=properties", "GetBlobServiceProperties",
     kReadAccount},
    {Method::kPut, kAccount, "restype=service&comp=properties", "SetBlobServiceProperties",
     kWriteContainers},
    {Method::kGet, kAccount, "restype=service&comp=stats", "GetBlobServiceStats", kReadAccount},
    {Method::kPost, kAccount, "comp=batch", "BlobBatch", kDeleteBlobs},
    {Method::kGet, kAccount, "comp=blobs", "FindBlobsByTags", kReadBlobs},
    {Method::kGet, kContainer, "restype=container&comp=acl", "GetContainerACL", kReadContainers},
    {Method::kPut, kContainer, "restype=container&comp=acl", "SetContainerACL", kWriteContainers},
    {Method::kPut, kContainer, "restype=container&comp=lease", "LeaseContainer", kWriteContainers},
    {Method::kPut, kContainer, "restype=container&comp=undelete", "RestoreContainer",
     kWriteContainers},
    {Method::kPut, kContainer, "restype=container&comp=rename", "RenameContainer",
     kWriteContainers},
    {Method::kPost, kContainer, "restype=container&comp=batch", "BlobBatch", kDeleteBlobs},
    {Method::kGet, kContainer, "restype=container&comp=blobs", "FindBlobsByTags", kReadBlobs},
    {Method::kPut, kBlob, "comp=appendblock", "AppendBlock", kAddBlobs},
    {Method::kPut, kBlob, "comp=seal", "SealAppendBlob", kWriteBlobs},
    {Method::kPut, kBlob, "comp=page", "PutPage", kWriteBlobs},
    {Method::kGet, kBlob, "comp=pagelist", "GetPageRanges", kReadBlobs},
    {Method::kPut, kBlob, "comp=incrementalcopy", "IncrementalCopyBlob", kWriteBlobs},
    {Method::kPut, kBlob, "comp=lease", "LeaseBlob", kWriteBlobs},
    {Method::kPut, kBlob, "comp=snapshot", "SnapshotBlob", kWriteBlobs},
    {Method::kPut, kBlob, "comp=copy", "AbortCopyBlob", kWriteBlobs},
    {Method::kPut, kBlob, "comp=tier", "SetBlobTier", kWriteBlobs},
    {Method::kGet, kBlob, "comp=tags", "GetBlobTags", kReadBlobs},
    {Method::kPut, kBlob, "comp=tags", "SetBlobTags", kWriteBlobs},
    {Method::kPut, kBlob, "comp=undelete", "UndeleteBlob", kWriteBlobs},
    {Method::kPut, kBlob, "comp=expiry", "SetBlobExpiry", kWriteBlobs},
    {Method::kPut, kBlob, "comp=immutabilityPolicies", "SetBlobImmutabilityPolicy", kWriteBlobs},
    {Method::kDelete, kBlob, "comp=immutabilityPolicies", "DeleteBlobImmutabilityPolicy",
     kDeleteBlobs},
    {Method::kPut, kBlob, "comp=legalhold", "SetBlobLegalHold", kWriteBlobs},
    {Method::kPost, kBlob, "comp=query", "QueryBlobContents", kReadBlobs},
};

}  // namespace

void StorageService::describe(core::Manifest& manifest) const {
  manifest.service = "storage";
  manifest.migrations = store::migrations();

  const core::ScopeOf scope = [this](const core::RequestContext& context) {
    return scope_of(context.param("account"), context.param("container"));
  };
  auto add = [&](const Entry& entry) -> core::Route& {
    core::Route& route = manifest.add(
        {entry.method, entry.path, entry.operation.name, entry.operation_id, entry.summary},
        [this, handler = entry.handler](core::RequestContext& context) -> Answer {
          return handler(*TRY(parts()), context);
        });
    route.host = Host::kBlob;
    route.query = entry.query;
    route.operation = entry.operation;
    route.credentials = {core::Credential::kSharedKey, core::Credential::kSas,
                         core::Credential::kStorageToken};
    route.scope = scope;
    route.attributes = attributes_of;
    route.pool = http::Pool::kData;
    route.body_bytes_max = entry.body_bytes_max;
    route.errors = core::ErrorShape::kStorage;
    return route;
  };
  for (const Entry& entry : kEntries) add(entry);
  add(kDelegation).credentials = {core::Credential::kStorageToken};
  for (const Entry& entry : kUploads) {
    add(entry).sink =
        [this](core::RequestContext& context) -> Result<std::unique_ptr<http::BodySink>> {
      TRY(check_path({{}, context.param("container"), context.param("blob")}));
      bytes::Store& bytes = TRY(parts())->blobs.bytes();
      auto writer = TRY(bytes.create());
      return std::make_unique<UploadSink>(bytes, std::move(writer));
    };
  }
  manifest.resource_types.push_back({std::string(kContainerType), {"2023-05-01"}, {}});
  for (const ResourceEntry& entry : kResources)
    manifest.add({entry.method, cat({kResource, entry.below}), entry.operation.name,
                  entry.operation_id, entry.summary},
                 [this, handler = entry.handler](core::RequestContext& context) -> Answer {
                   return handler(*TRY(parts()), context);
                 });
  for (const Missing& missing : kMissing) {
    manifest.unimplemented(Host::kBlob, missing.method, missing.path, missing.operation_id,
                           missing.operation, missing.query);
    manifest.routes.back().scope = scope;
  }
}

}  // namespace lazuli::storage
