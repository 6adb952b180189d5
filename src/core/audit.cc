// SPDX-License-Identifier: Apache-2.0
#include "core/audit.h"

#include "base/strings.h"

namespace lazuli::core {

std::string_view to_string(AuditKind kind) {
  switch (kind) {
    case AuditKind::kWrite:
      return "write";
    case AuditKind::kRelease:
      return "release";
    case AuditKind::kDenial:
      return "denial";
    case AuditKind::kRead:
      return "read";
    case AuditKind::kSystem:
      return "system";
    case AuditKind::kOutcome:
      return "outcome";
  }
  return "";
}

std::string audit_folder(std::string_view data_dir) { return cat({data_dir, "/audit"}); }

bool is_credential_release(const Operation& operation) {
  std::string_view name = operation.name;
  const size_t verb = name.rfind('/');
  if (verb == std::string_view::npos || !iequals(name.substr(verb), "/action")) return false;
  name = name.substr(0, verb);
  const std::string_view last = name.substr(name.rfind('/') + 1);
  // learn.microsoft.com/azure/role-based-access-control/permissions: what answers with a secret.
  for (std::string_view releases :
       {"listkeys", "listsecrets", "listcredentials", "listaccountsas", "listservicesas",
        "generateuserdelegationkey", "readsecrets", "token", "listnotebookaccesstoken",
        "regeneratekeys", "regeneratekey", "regeneratecredential", "addpassword", "getsecret"})
    if (iequals(last, releases)) return true;
  return false;
}

}  // namespace lazuli::core
