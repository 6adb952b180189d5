// SPDX-License-Identifier: Apache-2.0
// learn.microsoft.com/rest/api/authorization: roleDefinitions, roleAssignments, checkAccess.
#include "cli/role_command.h"

#include <cstdio>

#include "base/ids.h"
#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "codec/text.h"

namespace lazuli::cli {
namespace {

constexpr std::string_view kVersion = "api-version=2022-04-01";
constexpr int kNotAllowed = 1;

std::string scope_or_subscription(ApiClient& client, const std::string& scope) {
  if (scope == "/") return {};
  return scope.empty() ? "/subscriptions/" + client.installation().subscription_id : scope;
}

std::string collection(const std::string& scope, std::string_view kind, std::string_view filter) {
  std::string path = cat({scope, "/providers/Microsoft.Authorization/", kind, "?", kVersion});
  if (!filter.empty()) path += cat({"&$filter=", url_encode(filter)});
  return path;
}

std::string quoted(const std::string& text) {
  return cat({"'", replace_all(text, "'", "''"), "'"});
}

// The one role of a name or id.
Result<Json> find_role(ApiClient& client, const std::string& scope, const std::string& role) {
  if (is_uuid(role))
    return client.get(
        cat({scope, "/providers/Microsoft.Authorization/roleDefinitions/", role, "?", kVersion}));
  const Json found =
      TRY(client.get(collection(scope, "roleDefinitions", "roleName eq " + quoted(role))));
  if (found["value"].empty())
    return not_found(cat({"there is no role '", role, "' at this scope; see `lazuli role list`"}));
  return found["value"].items().front();
}

Result<Json> assign(ApiClient& client, const RoleRequest& request) {
  const std::string scope = scope_or_subscription(client, request.scope);
  const Json role = TRY(find_role(client, scope, request.role));
  Json properties =
      Json::object({{"roleDefinitionId", role["id"]}, {"principalId", request.principal}});
  if (!request.condition.empty())
    properties.set("condition", request.condition).set("conditionVersion", "2.0");
  return client.put(cat({scope, "/providers/Microsoft.Authorization/roleAssignments/", new_uuid(),
                         "?", kVersion}),
                    Json::object({{"properties", std::move(properties)}}));
}

Result<Json> list_assignments(ApiClient& client, const RoleRequest& request) {
  const std::string scope = scope_or_subscription(client, request.scope);
  std::string filter;
  if (!request.principal.empty()) filter = cat({"assignedTo(", quoted(request.principal), ")"});
  Json rows = TRY(client.list(collection(scope, "roleAssignments", filter)));
  const Json roles = TRY(client.list(collection(scope, "roleDefinitions", {})));
  for (Json& row : rows.mutable_items()) {
    const Json& properties = std::as_const(row)["properties"];
    const std::string id(split(properties["roleDefinitionId"].str(), '/').back());
    for (const Json& role : roles.items())
      if (role["name"].str() == id) row.set("roleName", role["properties"]["roleName"]);
  }
  return rows;
}

Result<Json> run(ApiClient& client, const RoleRequest& request) {
  const std::string scope = scope_or_subscription(client, request.scope);
  if (request.verb == "assign") return assign(client, request);
  if (request.verb == "assignments") return list_assignments(client, request);
  if (request.verb == "show") return find_role(client, scope, request.role);
  if (request.verb == "unassign") {
    TRY(client.remove(cat({request.id, "?", kVersion})));
    return Json();
  }
  const std::string filter = request.custom ? "type eq 'CustomRole'" : "";
  return client.list(collection(scope, "roleDefinitions", filter));
}

void print(const RoleRequest& request, const Json& answer) {
  std::vector<Column> columns = {
      {"ID", "name"}, {"ROLE", "properties.roleName"}, {"TYPE", "properties.type"}};
  if (request.verb == "assignments")
    columns = {{"ROLE", "roleName"},
               {"PRINCIPAL", "properties.principalId"},
               {"TYPE", "properties.principalType"},
               {"SCOPE", "properties.scope"}};
  if (answer.is_array())
    std::printf("%s", format_table(columns, answer).c_str());
  else if (answer.is_null())
    std::printf("removed\n");
  else
    std::printf("%s", answer.dump_pretty().c_str());
}

const char* refusal_text(std::string_view refusal) {
  if (refusal == "principalDisabled") return "refused: the account is disabled";
  if (refusal == "principalMissing") return "refused: the account is gone";
  return "refused: the token that asks is limited to less than its principal may do";
}

void print_reasons(const WhyRequest& request, const Json& decision) {
  std::printf("%s: %s on %s\n", decision["accessDecision"].text().c_str(),
              request.operation.c_str(), request.scope.c_str());
  if (const Json* denial = decision.find("denyAssignment"))
    std::printf("refused by the deny assignment '%s' (%s)\n",
                (*denial)["properties"]["denyAssignmentName"].text().c_str(),
                (*denial)["id"].text().c_str());
  if (const Json* refusal = decision.find("refusedBy"))
    std::printf("%s\n", refusal_text(refusal->str()));
  if (decision["considered"].empty())
    std::printf("no role is assigned to you, or to a group of yours, at this scope or above it\n");
  else
    std::printf("%s", format_table({{"ROLE", "roleName"},
                                    {"ASSIGNED AT", "scope"},
                                    {"TO", "principalId"},
                                    {"FINDING", "finding"},
                                    {"CONDITION", "condition"}},
                                   decision["considered"])
                          .c_str());
}

Result<Json> ask(ApiClient& client, const WhyRequest& request) {
  const std::string scope = request.scope == "/" ? "" : request.scope;
  const Json action =
      Json::object({{"id", request.operation}, {"isDataAction", request.data_action}});
  const Json answer = TRY(client.post(
      cat({scope, "/providers/Microsoft.Authorization/checkAccess?api-version=2018-09-01-preview"}),
      Json::object({{"actions", Json::array({action})}})));
  if (answer.items().empty()) return internal_error("the server decided nothing");
  return answer.items().front();
}

}  // namespace

int role_command(const RoleRequest& request) {
  return ask_and_show(
      request.data_dir, request.json, [&](ApiClient& client) { return run(client, request); },
      [&](const Json& answer) { print(request, answer); });
}

int explain_access(const WhyRequest& request) {
  auto client = ApiClient::connect(request.data_dir);
  if (!client.ok()) return fail(client.error());
  const auto decision = ask(**client, request);
  if (!decision.ok()) return fail(decision.error());
  if (request.json)
    std::printf("%s", decision->dump_pretty().c_str());
  else
    print_reasons(request, *decision);
  return (*decision)["accessDecision"].str() == "Allowed" ? kSuccess : kNotAllowed;
}

}  // namespace lazuli::cli
