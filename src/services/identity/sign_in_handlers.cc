// SPDX-License-Identifier: Apache-2.0
// Source: https://learn.microsoft.com/graph/api/resources/signin
#include "services/identity/sign_in_handlers.h"

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::identity {
namespace {

constexpr int64_t kTopDefault = 100;
constexpr int64_t kTopMax = 1000;

bool is_interactive(const SignIn& sign_in) {
  return sign_in.grant == "password" || sign_in.grant == "federated" ||
         sign_in.grant == "password_change";
}

std::string event_type(const SignIn& sign_in) {
  if (is_interactive(sign_in)) return "interactiveUser";
  if (sign_in.grant.starts_with("managed_identity")) return "managedIdentity";
  return sign_in.grant == "client_credentials" ? "servicePrincipal" : "nonInteractiveUser";
}

Json document(const SignIn& s) {
  std::string type = event_type(s);
  bool person = type.ends_with("User");
  return Json::object({{"id", std::to_string(s.id)},
                       {"createdDateTime", format_iso8601_seconds(s.time)},
                       {"userId", person ? Json(s.object_id) : Json()},
                       {"userPrincipalName", person ? Json(s.name) : Json()},
                       {"servicePrincipalId", person ? Json() : Json(s.object_id)},
                       {"servicePrincipalName", person ? Json() : Json(s.name)},
                       {"appId", s.app_id},
                       {"resourceDisplayName", s.resource},
                       {"ipAddress", s.peer},
                       {"userAgent", s.agent},
                       {"clientAppUsed", s.grant},
                       {"correlationId", s.request_id},
                       {"isInteractive", is_interactive(s)},
                       {"signInEventTypes", Json::array({Json(type)})},
                       {"status", Json::object({{"errorCode", s.error},
                                                {"failureReason", s.failure},
                                                {"additionalDetails", nullptr}})}});
}

Result<int64_t> number(const Context& context, std::string_view name, int64_t fallback) {
  auto text = context.query(name);
  if (!text) return fallback;
  auto value = parse_int(*text);
  if (!value || *value < 0)
    return invalid_argument(cat({"'", name, "' must be a whole number"}), "Request_BadRequest");
  return *value;
}

}  // namespace

Answer list_sign_ins(SignInStore& store, Context& context) {
  int64_t top = std::clamp<int64_t>(TRY(number(context, "$top", kTopDefault)), 1, kTopMax);
  int64_t before = TRY(number(context, "$skiptoken", 0));
  if (context.query("$filter"))
    return unimplemented("$filter of sign-ins is not implemented", "NotImplemented");
  std::vector<SignIn> found = TRY(store.latest(static_cast<size_t>(top), before));
  Json items = Json::array();
  for (const SignIn& each : found) items.push_back(document(each));
  Json body = Json::object(
      {{"@odata.context",
        context.url("graph", cat({"/", context.param("version"), "/$metadata#auditLogs/signIns"}))},
       {"value", std::move(items)}});
  if (found.size() == static_cast<size_t>(top))
    body.set("@odata.nextLink",
             context.url("graph", cat({"/", context.param("version"),
                                       "/auditLogs/signIns?$top=", std::to_string(top),
                                       "&$skiptoken=", std::to_string(found.back().id)})));
  return core::json_response(body);
}

}  // namespace lazuli::identity
