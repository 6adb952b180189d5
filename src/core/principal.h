// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace lazuli::core {

// A permission as Azure RBAC names it: "Microsoft.MachineLearningServices/workspaces/jobs/read".
struct Operation {
  std::string name;
  bool is_data_action = false;
  bool empty() const { return name.empty(); }
};

// Whether `pattern` ("*/read", "Microsoft.X/*/write") covers `operation`: without case; '*' crosses
// '/' and may repeat; "/*/" also covers "/" (identity-and-access rules of Azure's built-in roles).
bool operation_matches(std::string_view pattern, std::string_view operation);

// Whether `scope` is `ancestor` or lies below it, segment by segment, without case. "/" covers all.
bool scope_covers(std::string_view ancestor, std::string_view scope);

// A right that a derived credential carries itself (SAS, account key, endpoint key, job token).
struct Grant {
  std::vector<std::string> operations;  // patterns
  std::string scope;
};

enum class CredentialKind { kBearer, kSharedKey, kSas, kEndpointKey };

// Who is calling, as verified by exactly one authenticator. Only core::Authenticator can make one;
// handlers receive it const.
class Principal {
 public:
  const std::string& tenant_id() const { return tenant_id_; }
  const std::string& object_id() const { return object_id_; }  // empty for key and SAS callers
  const std::string& app_id() const { return app_id_; }
  const std::string& name() const { return name_; }  // for people and logs
  CredentialKind kind() const { return kind_; }
  Timestamp expires() const { return expires_; }
  // When it was set aside for work that goes on after its request (keep_caller), else zero. What it
  // may do ends with a sign-out after that, as a token of that time would.
  Timestamp kept() const { return kept_; }
  // With an object id, grants narrow what RBAC allows (a job's token never exceeds its identity);
  // without one they are the whole authority (SharedKey, SAS, endpoint key).
  const std::optional<std::vector<Grant>>& grants() const { return grants_; }

 private:
  friend class Authenticator;
  Principal() = default;
  std::string tenant_id_, object_id_, app_id_, name_;
  CredentialKind kind_ = CredentialKind::kBearer;
  Timestamp expires_{}, kept_{};
  std::optional<std::vector<Grant>> grants_;
};

}  // namespace lazuli::core
