// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vault.h"
#include "services/identity/api.h"
#include "services/identity/token_handlers.h"

namespace lazuli::identity {

// The endpoint at which a job's processes ask for tokens of its identity. The credential is the
// job's description, sealed: it cannot be made up, is good for that job alone, and ends with it.
class ManagedIdentity {
 public:
  ManagedIdentity(const TokenParts& parts, core::Vault& vault, const Revocations& revocations)
      : parts_(parts), vault_(vault), revocations_(revocations) {}

  SecretString credential(const JobIdentity& job) const;

  // The four wire forms, by where the credential is found: header X-IDENTITY-HEADER (App Service),
  // header `secret` (Azure ML), or the path (IMDS and Cloud Shell, which have no header for it).
  Answer get_token(Context& context) const;
  Answer post_cloud_shell(Context& context) const;

 private:
  struct Asking {
    std::string_view credential, resource;
    // How the identity is named, if it is: `client_id`, `object_id`, `mi_res_id`.
    std::string_view client_id, object_id, resource_id;
    std::string_view form;  // for the sign-in log
  };
  Result<JobIdentity> open(std::string_view credential) const;
  Answer answer(Context& context, const Asking& asking) const;
  Result<http::Response> issue(const Context& context, const Asking& asking, SignIn& log) const;

  const TokenParts& parts_;
  core::Vault& vault_;
  const Revocations& revocations_;
};

}  // namespace lazuli::identity
