// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/run_identity.h"

#include "base/strings.h"
#include "services/jobs/plan_parts.h"

namespace lazuli::jobs {
namespace {

Error refused(std::string_view what, std::string_view why) {
  return invalid_argument(cat({what, " ", why}), "UserError");
}

bool is_user_assigned(std::string_view resource_id) {
  return to_lower(resource_id)
             .find("/providers/microsoft.managedidentity/userassignedidentities/") !=
         std::string::npos;
}

bool names_one(const Json& identity) {
  for (const auto& [camel, snake] :
       {std::pair("resourceId", "resource_id"), std::pair("clientId", "client_id"),
        std::pair("objectId", "object_id")})
    if (!field(identity, camel, snake).str().empty()) return true;
  return false;
}

}  // namespace

Result<RunIdentity> RunIdentities::find(const Json& identity, const std::string& compute_id,
                                        std::string_view what) const {
  const std::string type = field(identity, "identityType", "identity_type").text();
  if (identity.is_null() || iequals(type, "AMLToken")) return RunIdentity{};
  if (iequals(type, "UserIdentity")) {
    TRY(core::refuse_limited(caller_));
    return RunIdentity{caller_.object_id(), {}};
  }
  if (iequals(type, "Managed"))
    return names_one(identity) ? find_managed(identity, what) : find_own(compute_id, what);
  return refused(what, cat({"has an identity of the unknown type '", type.substr(0, 64), "'."}));
}

Result<RunIdentity> RunIdentities::find_managed(const Json& identity, std::string_view what) const {
  const std::string resource_id = field(identity, "resourceId", "resource_id").text();
  const std::string client_id = field(identity, "clientId", "client_id").text();
  const std::string object_id = field(identity, "objectId", "object_id").text();
  const std::string& named = !resource_id.empty() ? resource_id
                             : !client_id.empty() ? client_id
                                                  : object_id;
  auto found = TRY(!resource_id.empty() ? directory_.find_by_resource_id(resource_id)
                   : !client_id.empty() ? directory_.find_by_app_id(client_id)
                                        : directory_.find_by_object_id(object_id));
  if (!found || !is_user_assigned(found->resource_id))
    return refused(what, cat({"names the managed identity '", named.substr(0, 256),
                              "', which does not exist."}));
  directory::WantedIdentity wanted;
  wanted.user_assigned = {found->resource_id};
  TRY(directory::check_assignable(authorizer_, caller_, wanted));
  return RunIdentity{found->object_id, found->app_id};
}

// Whoever may submit to a compute may act as it, as in Azure: it is given its roles for that.
Result<RunIdentity> RunIdentities::find_own(const std::string& compute_id,
                                            std::string_view what) const {
  auto found = TRY(directory_.find_by_resource_id(compute_id));
  if (!found)
    return refused(what, "names no managed identity, and its compute has none of its own.");
  return RunIdentity{found->object_id, found->app_id};
}

}  // namespace lazuli::jobs
