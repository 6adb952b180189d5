// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/auth.h"
#include "core/context.h"

namespace lazuli::storage {

// What conditions of roles may ask about a request for blobs.
// Source: https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes
core::Attributes attributes_of(const core::RequestContext& context);

}  // namespace lazuli::storage
