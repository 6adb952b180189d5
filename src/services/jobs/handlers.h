// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "core/operations.h"
#include "services/jobs/peers.h"

namespace lazuli::jobs {

// jobs_handlers.cc. Shapes: azure-ai-ml operations/_job_operations.py and its REST client, traced.
using Answer = Result<http::Response>;

Answer put_job(const Context& context, core::RequestContext& request);
Answer get_job(const Context& context, core::RequestContext& request);
Answer list_jobs(const Context& context, core::RequestContext& request);
Answer delete_job(const Context& context, core::RequestContext& request);
Answer cancel_job(const Context& context, core::Operations& operations,
                  core::RequestContext& request);

}  // namespace lazuli::jobs
