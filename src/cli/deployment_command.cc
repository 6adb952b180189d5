// SPDX-License-Identifier: Apache-2.0
#include "cli/deployment_command.h"

#include <cstdio>

#include "base/files.h"
#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "codec/text.h"

namespace lazuli::cli {
namespace {

constexpr std::string_view kVersion = "?api-version=2024-03-01";

// The file's name without folders and ending, as az names a deployment.
std::string name_of_file(std::string_view file) {
  std::string_view name = file.substr(file.rfind('/') + 1);
  return std::string(name.substr(0, name.rfind('.')));
}

class Command {
 public:
  Command(ApiClient& client, const DeploymentRequest& request)
      : client_(client), request_(request) {}

  Result<Json> run() {
    if (request_.verb == "list") return list();
    if (request_.verb == "show") return client_.get(path(request_.name, ""));
    Json body = TRY(read_body());
    const std::string name =
        request_.name.empty() ? name_of_file(request_.template_file) : request_.name;
    if (request_.verb == "validate") return client_.post(path(name, "/validate"), std::move(body));
    if (request_.verb == "what-if") return what_if(name, std::move(body));
    return client_.put(path(name, ""), std::move(body));
  }

 private:
  std::string group_path() const {
    const core::Installation& home = client_.installation();
    const std::string& group = request_.group.empty() ? home.resource_group : request_.group;
    return cat({"/subscriptions/", home.subscription_id, "/resourceGroups/", url_encode(group)});
  }

  std::string path(std::string_view name, std::string_view below) const {
    return cat({group_path(), "/providers/Microsoft.Resources/deployments/", url_encode(name),
                below, kVersion});
  }

  Result<Json> list() {
    return client_.list(
        cat({group_path(), "/providers/Microsoft.Resources/deployments", kVersion}));
  }

  Result<Json> read_body() {
    Json source = TRY(parse_file(request_.template_file));
    Json parameters = Json::object();
    for (const std::string& each : request_.parameters)
      TRY(add_parameter(each, source, parameters));
    return Json::object({{"properties", Json::object({{"mode", request_.mode},
                                                      {"template", std::move(source)},
                                                      {"parameters", std::move(parameters)}})}});
  }

  static Result<Json> parse_file(const std::string& file) {
    const std::string text = TRY(read_file(file));
    Result<Json> parsed = Json::parse(text);
    if (!parsed.ok()) return with_context(file, parsed.error());
    return parsed;
  }

  // A value that is no string in the template's eyes is JSON.
  static Result<void> add_parameter(const std::string& text, const Json& source, Json& parameters) {
    if (text.starts_with('@')) {
      const Json file = TRY(parse_file(text.substr(1)));
      const Json& values = file.contains("parameters") ? file["parameters"] : file;
      for (const Json::Member& each : values.members()) parameters.set(each.key, each.value);
      return {};
    }
    const size_t equal = text.find('=');
    if (equal == text.npos || equal == 0)
      return invalid_argument(cat({"'", text, "' is neither NAME=VALUE nor @FILE"}));
    const std::string name = text.substr(0, equal), value = text.substr(equal + 1);
    const std::string type = to_lower(source["parameters"][name]["type"].str("string"));
    Json parsed(value);
    if (type != "string" && type != "securestring") {
      Result<Json> json = Json::parse(value);
      if (!json.ok()) return with_context(cat({"the parameter ", name}), json.error());
      parsed = std::move(*json);
    }
    parameters.set(name, Json::object({{"value", std::move(parsed)}}));
    return {};
  }

  // 202 and a Location that has the changes.
  Result<Json> what_if(const std::string& name, Json body) {
    ApiClient::Call call;
    call.method = http::Method::kPost;
    call.path = path(name, "/whatIf");
    call.body = std::move(body);
    http::Response accepted = TRY(client_.send(call));
    const std::string_view location = accepted.headers.get_or("Location", "");
    const size_t slash = location.find('/', std::string_view("https://").size());
    if (slash == location.npos) return internal_error("the server named no place for the result");
    Json result = TRY(client_.get(std::string(location.substr(slash))));
    return result["properties"]["changes"];
  }

  ApiClient& client_;
  const DeploymentRequest& request_;
};

void print(const DeploymentRequest& request, const Json& result) {
  if (request.json) {
    std::printf("%s", result.dump_pretty().c_str());
    return;
  }
  const std::vector<Column> changes = {{"CHANGE", "changeType"}, {"RESOURCE", "resource"}};
  const std::vector<Column> deployments = {{"NAME", "name"},
                                           {"STATE", "properties.provisioningState"},
                                           {"MODE", "properties.mode"},
                                           {"TIME", "properties.timestamp"}};
  Json rows = result.is_array() ? result : Json::array({result});
  const bool what_if = request.verb == "what-if";
  // The last type and name tell more than the beginning of an id.
  for (Json& row : rows.mutable_items())
    if (const std::string id = row["resourceId"].text(); id.rfind("/providers/") != id.npos)
      row.set("resource", id.substr(id.rfind("/providers/") + std::string("/providers/").size()));
  std::printf("%s", format_table(what_if ? changes : deployments, rows).c_str());
}

}  // namespace

int deployment_command(const DeploymentRequest& request) {
  return ask_and_show(
      request.data_dir, request.json,
      [&](ApiClient& client) { return Command(client, request).run(); },
      [&](const Json& result) { print(request, result); });
}

}  // namespace lazuli::cli
