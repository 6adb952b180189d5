// SPDX-License-Identifier: Apache-2.0
#include "services/resources/deployment_runtime.h"

#include "base/strings.h"
#include "services/resources/deployment_input.h"

namespace lazuli::resources {
namespace {

constexpr const char* kAnyVersion = "2024-03-01";

Code code_of(int status) {
  for (Code code :
       {Code::kInvalidArgument, Code::kUnauthenticated, Code::kPermissionDenied, Code::kNotFound,
        Code::kMethodNotAllowed, Code::kDeadlineExceeded, Code::kConflict, Code::kLengthRequired,
        Code::kPreconditionFailed, Code::kPayloadTooLarge, Code::kUnsupportedMediaType,
        Code::kOutOfRange, Code::kResourceExhausted, Code::kUnimplemented, Code::kUnavailable})
    if (http_status(code) == status) return code;
  return status < 500 ? Code::kInvalidArgument : Code::kInternal;
}

Error from_json(const Json& body, Code code) {
  Error error{code,
              std::string(body["code"].str("DeploymentFailed")),
              std::string(body["message"].str()),
              std::string(body["target"].str()),
              {}};
  for (const Json& detail : body["details"].items())
    error.details.push_back(from_json(detail, code));
  return error;
}

}  // namespace

Result<Json> json_of(const http::Response& answer) {
  const auto* text = std::get_if<std::string>(&answer.body);
  if (text == nullptr) return internal_error("a resource answered with a stream");
  if (text->empty()) return Json();
  return Json::parse(*text);
}

Error error_of(const http::Response& answer) {
  const Code code = code_of(answer.status);
  Result<Json> body = json_of(answer);
  if (body.ok() && (*body)["error"].is_object()) return from_json((*body)["error"], code);
  return {code,
          "DeploymentFailed",
          cat({"The resource answered with the status ", std::to_string(answer.status), "."}),
          {},
          {}};
}

Result<Json> DeploymentRuntime::fetch(const std::string& id, const std::string& api_version,
                                      bool full) {
  const std::string version = api_version.empty() ? kAnyVersion : api_version;
  http::Response answer =
      dispatcher_.send(caller_, {.target = target_of(id, version), .port = port_});
  if (answer.status >= 300) return error_of(answer);
  Json resource = TRY(json_of(answer));
  if (!full) return resource["properties"].is_null() ? Json::object() : resource["properties"];
  resource.set("apiVersion", version);
  const auto parts = split(id, '/');
  if (parts.size() > 2 && iequals(parts[1], "subscriptions"))
    resource.set("subscriptionId", parts[2]);
  if (parts.size() > 4 && iequals(parts[3], "resourceGroups"))
    resource.set("resourceGroupName", parts[4]);
  resource.set("resourceId",
               id.substr(id.rfind("/providers/") == id.npos ? 0 : id.rfind("/providers/") + 11));
  return resource;
}

Result<Json> DeploymentRuntime::reference(const std::string& name, const std::string& api_version,
                                          bool full) {
  for (const templates::PlannedResource& each : program_.resources()) {
    const bool named = each.key == name || iequals(each.id, name) || iequals(each.name, name);
    if (named) return fetch(each.id, api_version.empty() ? each.api_version : api_version, full);
  }
  if (!name.starts_with('/'))
    return not_found(cat({"The template has no resource '", name, "' to refer to."}),
                     "InvalidTemplate");
  return fetch(name, api_version, full);
}

Result<Json> DeploymentRuntime::references(const std::string& symbol, bool full) {
  Json all = Json::array();
  for (const templates::PlannedResource& each : program_.resources())
    if (iequals(each.symbol, symbol)) all.push_back(TRY(fetch(each.id, each.api_version, full)));
  return all;
}

Result<Json> DeploymentRuntime::list(const std::string& function, const std::string& id,
                                     const std::string& api_version, const Json& body) {
  std::string target = id;
  for (const templates::PlannedResource& each : program_.resources())
    if (each.key == id || iequals(each.name, id)) target = each.id;
  http::Response answer =
      dispatcher_.send(caller_, {.method = http::Method::kPost,
                                 .target = target_of(cat({target, "/", function}), api_version),
                                 .body = body.is_null() ? std::string("{}") : body.dump(),
                                 .headers = {{"Content-Type", "application/json"}},
                                 .port = port_});
  if (answer.status >= 300) return error_of(answer);
  return json_of(answer);
}

}  // namespace lazuli::resources
