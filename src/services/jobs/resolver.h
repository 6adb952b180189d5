// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "core/principal.h"
#include "services/assets/api.h"
#include "services/jobs/model.h"
#include "services/jobs/run_identity.h"
#include "services/workspace/api.h"

namespace lazuli::jobs {

// What a job refers to, looked up in one workspace when it is submitted, on the authority of who
// submits it. Errors name what is missing and where it was asked for. Borrows its peers and the
// caller.
class Resolver {
 public:
  Resolver(workspace::Workspaces& workspaces, assets::Assets& assets,
           workspace::Workspace workspace, const core::Principal& caller,
           const RunIdentities& identities)
      : workspaces_(workspaces),
        assets_(assets),
        workspace_(std::move(workspace)),
        caller_(caller),
        identities_(identities) {}

  const workspace::Workspace& workspace() const { return workspace_; }

  struct Environment {
    std::string id, image, conda_file;
  };
  Result<Environment> environment(std::string_view reference) const;
  // The address of a code snapshot's files; empty for no code.
  Result<std::string> code(std::string_view reference) const;
  Result<Json> component(std::string_view reference) const;  // its spec
  Result<void> compute(std::string_view reference) const;
  // Whom a job on that compute acts as; `what` is "The job" or "The node 'x'".
  Result<RunIdentity> identity(const Json& given, std::string_view compute_reference,
                               std::string_view what) const;
  // A data input of a type: an address as it is, an asset's id or "azureml:name:version" looked up.
  Result<InputSpec> data(const std::string& name, const std::string& type,
                         const std::string& uri) const;

  // The datastore that outputs go to unless they say where: "" for the workspace's default.
  Result<std::string> datastore(std::string_view reference) const;
  // "azureml/{job}/{output}/" in that datastore, or the file of that name in it.
  std::string default_output(const std::string& datastore, const std::string& job_id,
                             const std::string& output, const std::string& type) const;
  // Where a job's artifacts and logs are.
  Result<std::string> artifacts(const std::string& job_id) const;
  // An address given in the job: in a known form and within the caller's reach.
  Result<void> check_uri(std::string_view uri, storage::Access access) const;

 private:
  workspace::Workspaces& workspaces_;
  assets::Assets& assets_;
  workspace::Workspace workspace_;
  const core::Principal& caller_;
  const RunIdentities& identities_;
};

}  // namespace lazuli::jobs
