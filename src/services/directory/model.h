// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "codec/json.h"

namespace lazuli::directory {

// The four kinds of objects, by the names of Graph's types without "#microsoft.graph.".
inline constexpr std::string_view kUser = "user";
inline constexpr std::string_view kGroup = "group";
inline constexpr std::string_view kApplication = "application";
inline constexpr std::string_view kServicePrincipal = "servicePrincipal";

// One object of the directory. What is searched or decided on has a member of its own; what clients
// merely wrote and read back is `properties`.
struct Object {
  std::string object_id;
  std::string kind;
  std::string name;                        // displayName
  std::optional<std::string> app_id;       // applications and service principals, lower case
  std::optional<std::string> upn;          // users
  std::optional<std::string> resource_id;  // managed identities
  bool explicit_identity = false;          // a user-assigned one: a resource of its own
  bool enabled = true;
  Timestamp not_before{};
  Timestamp created{};
  Json properties = Json::object();
};

// A user's account with an external provider.
struct LinkedAccount {
  std::string issuer, subject;
  bool operator==(const LinkedAccount&) const = default;
};

struct Secret {
  std::string key_id, object_id, name, hint, hash;
  Timestamp start{}, end{};
};

}  // namespace lazuli::directory
