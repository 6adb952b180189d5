// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/principal.h"

// The permissions of the Blob service, as Azure's roles name them.
namespace lazuli::storage {

inline const core::Operation kReadBlobs{
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", true};
inline const core::Operation kWriteBlobs{
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", true};
inline const core::Operation kDeleteBlobs{
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", true};
inline const core::Operation kAddBlobs{
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action", true};
inline const core::Operation kReadContainers{
    "Microsoft.Storage/storageAccounts/blobServices/containers/read", false};
inline const core::Operation kWriteContainers{
    "Microsoft.Storage/storageAccounts/blobServices/containers/write", false};
inline const core::Operation kDeleteContainers{
    "Microsoft.Storage/storageAccounts/blobServices/containers/delete", false};
inline const core::Operation kGenerateDelegationKey{
    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action", false};
inline const core::Operation kReadAccount{"Microsoft.Storage/storageAccounts/blobServices/read",
                                          false};

}  // namespace lazuli::storage
