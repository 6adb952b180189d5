// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/job_environment.h"

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::jobs {
namespace {

constexpr Duration kLifetimeMax = std::chrono::hours(24 * 30);  // of a job without a timeout
constexpr Duration kLifetimeMargin = std::chrono::hours(1);     // for finishing

// What a job may do in its workspace, at most: read, track, and register what it made.
constexpr std::string_view kGranted[] = {
    "Microsoft.MachineLearningServices/workspaces/read",
    "Microsoft.MachineLearningServices/workspaces/*/read",
    "Microsoft.MachineLearningServices/workspaces/experiments/*",
    "Microsoft.MachineLearningServices/workspaces/metrics/*",
    "Microsoft.MachineLearningServices/workspaces/models/*",
    "Microsoft.MachineLearningServices/workspaces/data/*",
    "Microsoft.MachineLearningServices/workspaces/metadata/artifacts/*",
};

std::string api_host(const core::Installation& installation) {
  return cat({installation.region, ".api.ml.azure.", installation.domain});
}

}  // namespace

Result<std::map<std::string, std::string>> azure_variables(const Context& context,
                                                           const CommandSpec& spec) {
  const core::Installation& here = context.installation;
  const auto workspace = TRY(context.peers.workspaces.get(spec.workspace_id));
  const auto run = TRY(context.peers.runs.get(spec.workspace_id, spec.job_id));
  const core::ArmId id = TRY(core::ArmId::parse(spec.workspace_id));
  const std::string api = "https://" + api_host(here);
  std::map<std::string, std::string> variables{
      {"AZUREML_RUN_ID", spec.job_id},
      {"AZUREML_ROOT_RUN_ID", spec.root_id},
      {"AZUREML_EXPERIMENT_NAME", run.experiment_name},
      {"AZUREML_EXPERIMENT_ID", run.experiment_id},
      {"AZUREML_ARM_SUBSCRIPTION", id.subscription},
      {"AZUREML_ARM_RESOURCEGROUP", id.resource_group},
      {"AZUREML_ARM_WORKSPACE_NAME", workspace.name},
      {"AZUREML_ARM_PROJECT_NAME", run.experiment_name},
      {"AZUREML_WORKSPACE_NAME", workspace.name},
      {"AZUREML_WORKSPACE_ID", workspace.workspace_guid},
      {"AZUREML_WORKSPACE_SCOPE", spec.workspace_id},
      {"AZUREML_SERVICE_ENDPOINT", api},
      {"AZUREML_DISCOVERY_SERVICE_ENDPOINT", api + "/discovery"},
      {"AZUREML_CR_AZUREML_RUN_ID", spec.job_id},
      {"MLFLOW_TRACKING_URI", cat({api, "/mlflow/v1.0", spec.workspace_id})},
      {"MLFLOW_RUN_ID", spec.job_id},
      {"MLFLOW_EXPERIMENT_NAME", run.experiment_name},
      {"MLFLOW_EXPERIMENT_ID", run.experiment_id},
      {"MLFLOW_DISABLE_TELEMETRY", "true"},
      {"ORT_DISABLE_TELEMETRY", "1"},
      {"AZURE_AUTHORITY_HOST", "https://login." + here.domain},
      {"AZURE_TENANT_ID", here.tenant_id},
      {"MSI_ENDPOINT", cat({"https://login.", here.domain, "/msi/token"})},
      {"ARM_CLOUD_METADATA_URL",
       cat({"https://management.", here.domain, "/metadata/endpoints?api-version=2019-05-01"})},
      {"REQUESTS_CA_BUNDLE", here.ca_bundle},
      {"SSL_CERT_FILE", here.ca_bundle},
      {"CURL_CA_BUNDLE", here.ca_bundle},
      {"NODE_EXTRA_CA_CERTS", here.ca_bundle},
      // A log that can be followed: Python holds back what it prints to a file.
      {"PYTHONUNBUFFERED", "1"},
  };
  // As Azure ML's compute names it, for credentials that must say which identity they mean.
  if (!spec.identity.client_id.empty())
    variables.emplace("DEFAULT_IDENTITY_CLIENT_ID", spec.identity.client_id);
  return variables;
}

// The job's token, which is its owner's, and with which secret its processes ask for others
// (managed identity, in the form of Azure ML's compute: MSI_ENDPOINT is among the other variables).
Result<SecretString> secret_variables(const Context& context, const CommandSpec& spec) {
  const Duration lifetime =
      spec.timeout.count() > 0 ? spec.timeout + kLifetimeMargin : kLifetimeMax;
  core::Grant grant{{}, spec.workspace_id};
  for (const std::string_view operation : kGranted) grant.operations.emplace_back(operation);
  const identity::TokenRequest request{
      .object_id = spec.object_id,
      .audience = "https://management." + context.installation.domain,
      .lifetime = lifetime,
      .grants = {grant},
      .job_id = spec.job_id,
      .since = spec.submitted};
  const SecretString token = TRY(context.peers.identity.issue_token(request));
  identity::JobIdentity acts_as{
      spec.object_id, spec.job_id, {grant}, spec.submitted, now() + lifetime};
  if (!spec.identity.object_id.empty()) {
    acts_as.object_id = spec.identity.object_id;
    acts_as.grants.clear();  // whatever roles that one has
  }
  const SecretString credential = context.peers.identity.job_credential(acts_as);
  std::string lines =
      cat({"MLFLOW_TRACKING_TOKEN=", token.expose(), "\nAZUREML_RUN_TOKEN=", token.expose(),
           "\nMSI_SECRET=", credential.expose(), "\n"});
  SecretString secret(lines);
  wipe(lines.data(), lines.size());
  return secret;
}

Result<std::vector<std::string>> host_names(const Context& context, const CommandSpec& spec) {
  const core::Installation& here = context.installation;
  const auto workspace = TRY(context.peers.workspaces.get(spec.workspace_id));
  return std::vector<std::string>{"management." + here.domain, "login." + here.domain,
                                  api_host(here),
                                  cat({workspace.storage_account, ".blob.core.", here.domain})};
}

}  // namespace lazuli::jobs
