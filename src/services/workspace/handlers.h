// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "services/workspace/registry.h"

namespace lazuli::workspace {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// workspace_handlers.cc
Answer get_workspace(Registry& registry, Context& context);
Answer list_workspaces(Registry& registry, Context& context);
Answer put_workspace(Registry& registry, Context& context);
Answer patch_workspace(Registry& registry, Context& context);
Answer delete_workspace(Registry& registry, Context& context);
Answer list_workspace_keys(Registry& registry, Context& context);
Answer get_discovery(Registry& registry, Context& context);

// datastore_handlers.cc
Answer get_datastore(Registry& registry, Context& context);
Answer list_datastores(Registry& registry, Context& context);
Answer put_datastore(Registry& registry, Context& context);
Answer delete_datastore(Registry& registry, Context& context);
Answer list_datastore_secrets(Registry& registry, Context& context);

// compute_handlers.cc
Answer get_compute(Registry& registry, Context& context);
Answer list_computes(Registry& registry, Context& context);
Answer put_compute(Registry& registry, Context& context);
Answer delete_compute(Registry& registry, Context& context);

// The workspace in the path.
Result<WorkspaceRow> workspace_of(Registry& registry, const Context& context);
// Who did it and when, for a resource that is made or changed by this request.
core::SystemData touched(const Context& context, const core::SystemData* before);

}  // namespace lazuli::workspace
