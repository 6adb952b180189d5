// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "services/endpoints/manager.h"

namespace lazuli::endpoints {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// endpoint_handlers.cc
// Source of shapes: azure-ai-ml azure/ai/ml/operations/_online_endpoint_operations.py.
Answer list_endpoints(Manager& manager, Context& context);
Answer get_endpoint(Manager& manager, Context& context);
Answer put_endpoint(Manager& manager, Context& context);
Answer delete_endpoint(Manager& manager, Context& context);
Answer list_keys(Manager& manager, Context& context);
Answer regenerate_keys(Manager& manager, Context& context);
Answer create_token(Manager& manager, Context& context);

// deployment_handlers.cc
Answer list_deployments(Manager& manager, Context& context);
Answer get_deployment(Manager& manager, Context& context);
Answer put_deployment(Manager& manager, Context& context);
Answer delete_deployment(Manager& manager, Context& context);
Answer get_logs(Manager& manager, Context& context);

// score_handlers.cc: the endpoint's own host
Answer score(Manager& manager, Context& context);

// The endpoint that the path names, in the workspace that the path names.
Result<Endpoint> endpoint_of_path(Manager& manager, const Context& context);

}  // namespace lazuli::endpoints
