// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines/workflow/workflow.h"
#include "services/resources/deployment_input.h"
#include "services/resources/deployment_store.h"

namespace lazuli::resources {

// What a deployment keeps in clear (Deployment::body).
Json deployment_body(const Order& order);

// https://learn.microsoft.com/rest/api/resources/deployments/get
Json deployment_json(const Deployment& deployment);
std::string deployment_id(const Deployment& deployment);

// {"id", "operationId", "properties": {…}}: one step of a deployment.
Json operation_json(const Deployment& deployment, const workflow::StepStatus& step);

// "DeploymentFailed" with the errors of the failed steps.
Json failure_json(const Deployment& deployment, const workflow::RunStatus& run);

Json error_json(const Error& error);
// [{"namespace", "resourceTypes"}] and [{"id", "dependsOn"}] of the plan.
Json plan_providers(const templates::Program& program);
Json plan_dependencies(const templates::Program& program);

}  // namespace lazuli::resources
