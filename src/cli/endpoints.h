// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/api_client.h"
#include "cli/documents.h"

namespace lazuli::cli {

// Online endpoints and deployments from Azure ML YAML.
class EndpointRunner {
 public:
  explicit EndpointRunner(ApiClient& client) : client_(client) {}
  Result<Json> create_endpoint(const Document& document);
  Result<Json> create_deployment(const Document& document);  // waits until it is ready
  Result<Json> set_traffic(const std::string& endpoint, const Json& traffic);
  Result<Json> get(const std::string& endpoint);
  Result<SecretString> key(const std::string& endpoint);
  // The reply's text; an error with the model's reason when it refused.
  Result<std::string> score(const std::string& endpoint, std::string body);

 private:
  std::string path(std::string_view endpoint, std::string_view below = {}) const;
  ApiClient& client_;
};

}  // namespace lazuli::cli
