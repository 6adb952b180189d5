// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/run_identity.h"

#include "base/strings.h"
#include "services/jobs/plan_parts.h"

namespace lazuli::jobs {
namespace {

constexpr std::string_view kAssign =
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

Error refused(std::string_view what, std::string_view why) {
  return invalid_argument(cat({what, " ", why}), "UserError");
}

}  // namespace

Result<RunIdentity> RunIdentities::find(const Json& identity, std::string_view what) const {
  const std::string type = field(identity, "identityType", "identity_type").text();
  if (identity.is_null() || iequals(type, "AMLToken")) return RunIdentity{};
  if (iequals(type, "UserIdentity")) {
    TRY(core::refuse_limited(caller_));
    return RunIdentity{caller_.object_id(), {}};
  }
  if (iequals(type, "Managed")) return find_managed(identity, what);
  return refused(what, cat({"has an identity of the unknown type '", type.substr(0, 64), "'."}));
}

Result<RunIdentity> RunIdentities::find_managed(const Json& identity, std::string_view what) const {
  const std::string resource_id = field(identity, "resourceId", "resource_id").text();
  const std::string client_id = field(identity, "clientId", "client_id").text();
  const std::string object_id = field(identity, "objectId", "object_id").text();
  const std::string& named = !resource_id.empty() ? resource_id
                             : !client_id.empty() ? client_id
                                                  : object_id;
  if (named.empty())
    return refused(what, "names no managed identity, and the compute has none of its own.");
  auto found = TRY(!resource_id.empty() ? directory_.find_by_resource_id(resource_id)
                   : !client_id.empty() ? directory_.find_by_app_id(client_id)
                                        : directory_.find_by_object_id(object_id));
  if (!found || found->resource_id.empty())
    return refused(what, cat({"names the managed identity '", named.substr(0, 256),
                              "', which does not exist."}));
  TRY(authorizer_.authorize(caller_, {std::string(kAssign)}, found->resource_id));
  return RunIdentity{found->object_id, found->app_id};
}

}  // namespace lazuli::jobs
