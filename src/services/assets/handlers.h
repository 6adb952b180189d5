// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "services/assets/registry.h"

namespace lazuli::assets {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// version_handlers.cc. Source of all shapes: azure-ai-ml azure/ai/ml/operations/_*_operations.py.
Answer get_version(Registry& registry, Kind kind, Context& context);
Answer put_version(Registry& registry, Kind kind, Context& context);
Answer list_versions(Registry& registry, Kind kind, Context& context);
Answer delete_version(Registry& registry, Kind kind, Context& context);

// container_handlers.cc
Answer get_container(Registry& registry, Kind kind, Context& context);
Answer put_container(Registry& registry, Kind kind, Context& context);
Answer list_containers(Registry& registry, Kind kind, Context& context);

// upload_handlers.cc
Answer start_pending_upload(Registry& registry, Kind kind, Context& context);

// The key that the request's path names; an empty version when it names none.
VersionKey key_of(Kind kind, const Context& context);
Result<View> view_of(const Context& context);

}  // namespace lazuli::assets
