// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/dispatch.h"
#include "engines/template/program.h"

namespace lazuli::resources {

// reference() and list…() of a running deployment: requests to the resources' own routes, with the
// rights of the deployment's caller.
class DeploymentRuntime final : public templates::Runtime {
 public:
  DeploymentRuntime(core::Dispatcher& dispatcher, const core::Principal& caller,
                    const templates::Program& program, uint16_t port)
      : dispatcher_(dispatcher), caller_(caller), program_(program), port_(port) {}

  Result<Json> reference(const std::string& name, const std::string& api_version,
                         bool full) override;
  Result<Json> references(const std::string& symbol, bool full) override;
  Result<Json> list(const std::string& function, const std::string& id,
                    const std::string& api_version, const Json& body) override;

 private:
  Result<Json> fetch(const std::string& id, const std::string& api_version, bool full);

  core::Dispatcher& dispatcher_;
  const core::Principal& caller_;
  const templates::Program& program_;
  uint16_t port_;
};

// The error of an answer in Azure Resource Manager's shape; kInternal-like ones too.
Error error_of(const http::Response& answer);
// The text of an answer, as JSON; null when it has none.
Result<Json> json_of(const http::Response& answer);

}  // namespace lazuli::resources
