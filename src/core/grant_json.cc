// SPDX-License-Identifier: Apache-2.0
#include "core/grant_json.h"

namespace lazuli::core {

Json to_json(const std::vector<Grant>& grants) {
  Json json = Json::array();
  for (const Grant& grant : grants)
    json.push_back(
        Json::object({{"operations", Json::strings(grant.operations)}, {"scope", grant.scope}}));
  return json;
}

std::vector<Grant> grants_from_json(const Json& json) {
  std::vector<Grant> grants;
  for (const Json& each : json.items()) {
    Grant grant{{}, each["scope"].text()};
    for (const Json& operation : each["operations"].items())
      grant.operations.push_back(operation.text());
    grants.push_back(std::move(grant));
  }
  return grants;
}

}  // namespace lazuli::core
