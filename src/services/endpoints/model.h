// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/arm.h"

namespace lazuli::endpoints {

struct Endpoint {
  std::string workspace_id;
  std::string name;  // unique in the installation: it is a host name
  std::string location;
  std::string auth_mode = "Key";     // Key, AMLToken, AADToken
  Json properties = Json::object();  // as sent, without traffic
  Json traffic = Json::object();     // {deployment: percent}
  Json mirror_traffic = Json::object();
  Json tags = Json::object();
  Json identity;
  std::string sealed_primary_key, sealed_secondary_key;  // core::Vault
  core::SystemData system_data;
};

enum class DeploymentState { kCreating, kSucceeded, kFailed };

struct Deployment {
  std::string workspace_id, endpoint, name;
  Json properties = Json::object(), sku = Json::object(), tags = Json::object();
  DeploymentState state = DeploymentState::kCreating;
  std::string operation_id;  // of the creation that is under way
  std::string log;           // what loading said
  core::SystemData system_data;
};

std::string endpoint_id(std::string_view workspace_id, std::string_view endpoint);
std::string deployment_id(const Deployment& deployment);

}  // namespace lazuli::endpoints
