// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "services/jobs/model.h"
#include "services/jobs/peers.h"

namespace lazuli::jobs {

// The variables that Azure Machine Learning gives a job (azureml-core _vendor/azure_cli…, mlflow's
// tracking variables, azure-identity), the job's own not among them.
Result<std::map<std::string, std::string>> azure_variables(const Context& context,
                                                           const CommandSpec& spec);
// NAME=value lines with the token that lives as long as the job.
Result<SecretString> secret_variables(const Context& context, const CommandSpec& spec);
// The server's names that a job may call.
Result<std::vector<std::string>> host_names(const Context& context, const CommandSpec& spec);

}  // namespace lazuli::jobs
