// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "services/directory/model.h"

namespace lazuli::directory {

// Graph's properties of the four kinds of objects: what clients may write, and what they read where
// nothing was written. Immutable.
// Source: https://learn.microsoft.com/graph/api/resources/{user,group,application,serviceprincipal}
class Schema {
 public:
  Schema();

  // Takes what a client wrote into the object: displayName, accountEnabled and userPrincipalName
  // into their members, the rest into properties. A property that is unknown or of another type is
  // kInvalidArgument by name. Credentials, passwords and links ("…@odata.bind") are left to others.
  Result<void> write(const Json& body, Object& object) const;

  // The object as clients read it, credentials excepted. `tenant_id` is the home of applications.
  Json read(const Object& object, const std::string& tenant_id) const;

 private:
  struct Property {
    char type;  // s text, b boolean, n number, a list, o complex
    bool settable;
    Json fallback;
  };
  using Properties = std::vector<std::pair<std::string, Property>>;

  const Properties& of(std::string_view kind) const;
  static Properties table(std::string_view rows);
  std::map<std::string, Properties, std::less<>> kinds_;
};

// A user's UPN: "name@domain", without what would be ambiguous.
Result<void> check_upn(std::string_view upn);
// 1 to 256 characters of UTF-8 without control characters.
Result<void> check_name(std::string_view name, std::string_view property);

// "https://graph.…/v1.0/users/{id}" or "…/directoryObjects/{id}" → the id.
Result<std::string> id_in_reference(std::string_view reference);

}  // namespace lazuli::directory
