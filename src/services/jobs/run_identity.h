// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "core/auth.h"
#include "services/directory/api.h"
#include "services/jobs/model.h"

namespace lazuli::jobs {

// Finds whom a job's processes act as (`identity` of a job or of a node): AMLToken, which is the
// submitter within the workspace, and the default; UserIdentity, the submitter whole; or Managed, a
// user-assigned identity that the submitter may assign, or that of the compute. Borrows all it is
// given.
// Source: azure-ai-ml entities/_credentials.py
class RunIdentities {
 public:
  RunIdentities(directory::Directory& directory, core::Authorizer& authorizer,
                const core::Principal& caller)
      : directory_(directory), authorizer_(authorizer), caller_(caller) {}

  // kPermissionDenied where the submitter may not give this identity away. `compute_id` is the ARM
  // id of the compute, whose own identity is meant where a managed one is not named; `what` is "The
  // job" or "The node 'x'".
  Result<RunIdentity> find(const Json& identity, const std::string& compute_id,
                           std::string_view what) const;

 private:
  Result<RunIdentity> find_managed(const Json& identity, std::string_view what) const;
  Result<RunIdentity> find_own(const std::string& compute_id, std::string_view what) const;

  directory::Directory& directory_;
  core::Authorizer& authorizer_;
  const core::Principal& caller_;
};

}  // namespace lazuli::jobs
