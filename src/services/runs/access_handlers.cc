// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/azureml/workspaces/list-notebook-access-token
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "services/runs/handlers.h"

namespace lazuli::runs {
namespace {

constexpr Duration kLifetime = std::chrono::hours(24);

core::Grant mlflow_grant(const std::string& workspace_id) {
  constexpr std::string_view kPermissions = "Microsoft.MachineLearningServices/workspaces/";
  core::Grant grant{{}, workspace_id};
  for (std::string_view pattern : {"experiments/*", "metadata/artifacts/*", "models/*"})
    grant.operations.push_back(cat({kPermissions, pattern}));
  return grant;
}

}  // namespace

Answer create_tracking_token(identity::Identity& identity, workspace::Workspaces& workspaces,
                             Context& context) {
  TRY(core::refuse_limited(context.principal()));
  workspace::Workspace workspace = TRY(workspaces.get(context.workspace_id()));
  identity::TokenRequest request;
  request.object_id = context.principal().object_id();
  request.audience = context.url("management", "");
  request.lifetime = kLifetime;
  request.grants = {mlflow_grant(workspace.arm_id)};
  request.parent = &context.principal();
  SecretString token = TRY(identity.issue_token(request));
  http::Response response = core::json_response(Json::object(
      {{"accessToken", token.expose()},
       {"tokenType", "Bearer"},
       {"expiresIn", std::chrono::duration_cast<std::chrono::seconds>(kLifetime).count()},
       {"scope", "mlflow"}}));
  response.header("Cache-Control", "no-store");
  return response;
}

}  // namespace lazuli::runs
