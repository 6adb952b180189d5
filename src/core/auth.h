// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/principal.h"
#include "http/message.h"

namespace lazuli::core {

class Vault;

// What an authenticator has verified, before it becomes a Principal.
struct Verified {
  std::string tenant_id, object_id, app_id, name;
  CredentialKind kind = CredentialKind::kBearer;
  Timestamp expires{}, kept{};
  std::optional<std::vector<Grant>> grants;
};

// Verifies one kind of credential. Implemented by the service that issues it, called only by the
// chain, before the body is read. Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Whether the request carries a credential of this kind (well-formed or not).
  virtual bool present(const http::RequestHead& head) const = 0;
  // kUnauthenticated with the protocol's own code when it does not verify. `audience` is what the
  // route expects of a bearer token; other kinds ignore it.
  virtual Result<Verified> verify(const http::RequestHead& head, std::string_view audience) = 0;

  // The one place where a Principal comes from. Called by the chain and by core alone, which the
  // style test checks: a service cannot say whom it acts for.
  static Principal seal(Verified verified);
};

// A verified caller, to be kept in a row or a journal for work that goes on after the answer.
// Sealed: what recall_caller() opens has been a Principal before. Their rights are looked at again
// with each operation, and end with a sign-out since; how long they may act for the caller
// otherwise is the keeper's to bound.
std::string keep_caller(const Principal& caller, Vault& vault);
Result<Principal> recall_caller(std::string_view kept, Vault& vault);

// The server itself, looking: may read, and change nothing. `name` is what the audit calls it.
Principal server_reader(std::string name);

// What allowed an operation, for the audit. Both are empty where the credential itself carries the
// right (SAS, account key, endpoint key).
struct Allowed {
  std::string role_id, assignment_id;  // GUIDs
};

// Facts of one request that the conditions of roles ask for. Names compare without case.
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-format
class Attributes {
 public:
  // set("Resource", "Microsoft.Storage/storageAccounts/blobServices/containers:name", "data")
  void set(std::string_view source, std::string_view name, std::string value);
  void add_suboperation(std::string name) { suboperations_.push_back(std::move(name)); }
  // Null where the request has no such attribute.
  const std::vector<std::string>* find(std::string_view source, std::string_view name) const;
  const std::vector<std::string>& suboperations() const { return suboperations_; }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> values_;
  std::vector<std::string> suboperations_;
};

// The question whether somebody may do something. A view, for the call's duration.
struct Access {
  const Principal& principal;
  const Operation& operation;
  const std::string& scope;
  // Called where a condition decides; empty: the request has no attributes.
  std::function<Attributes()> attributes = {};
  // The attributes are in a body that is not read yet: conditions count as met, and who handles the
  // request must ask again with them.
  bool conditions_later = false;
};

// Decides whether a principal may do an operation on a scope: roles, then the principal's grants.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // kPermissionDenied with code "AuthorizationFailed" and Azure's message when not.
  virtual Result<Allowed> authorize(const Access& access) = 0;
  Result<Allowed> authorize(const Principal& principal, const Operation& operation,
                            const std::string& scope) {
    return authorize(Access{principal, operation, scope});
  }
};

// True where the grants of a principal (if it has any) cover the operation on the scope.
bool grants_cover(const Principal& principal, const Operation& operation, std::string_view scope);

// What a caller is given must neither exceed nor outlive what they came with. A token that is
// limited itself (a job's, an MLflow token) gets no other token, and a SAS ends with it.
Result<void> refuse_limited(const Principal& principal);
Duration lifetime_within(const Principal& principal, Duration asked);

}  // namespace lazuli::core
