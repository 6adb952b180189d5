// SPDX-License-Identifier: Apache-2.0
// learn.microsoft.com/graph/api: users, groups, applications, servicePrincipals.
#include "cli/ad_command.h"

#include <cstdio>

#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "codec/text.h"

namespace lazuli::cli {
namespace {

std::string collection_of(const AdRequest& request) {
  if (request.noun == "user") return "/v1.0/users";
  if (request.noun == "group") return "/v1.0/groups";
  if (request.noun == "app") return "/v1.0/applications";
  if (request.noun == "provider") return "/v1.0/identity/identityProviders";
  return "/v1.0/servicePrincipals";
}

std::string item_of(const AdRequest& request) {
  return cat({collection_of(request), "/", url_encode(request.id)});
}

Json body_of_new(const AdRequest& request) {
  if (request.noun == "sp") return Json::object({{"appId", request.id}});
  Json body = Json::object({{"displayName", request.display_name}});
  if (request.noun == "app") return body;
  if (request.noun == "provider")
    return body.set("@odata.type", "#microsoft.graph.openIdConnectIdentityProvider")
        .set("issuer", request.issuer)
        .set("clientId", request.client_id)
        .set("clientSecret", request.client_secret)
        .set("accountMatching", request.match_email ? "verifiedEmail" : "none");
  const std::string nickname = request.upn.substr(0, request.upn.find('@'));
  if (request.noun == "group") {
    std::string plain;
    for (char c : request.display_name)
      if (std::isalnum(static_cast<unsigned char>(c))) plain += c;
    return body.set("mailNickname", plain.empty() ? "group" : plain)
        .set("mailEnabled", false)
        .set("securityEnabled", true);
  }
  return body.set("userPrincipalName", request.upn)
      .set("mailNickname", nickname)
      .set("accountEnabled", true)
      .set("passwordProfile",
           Json::object({{"password", request.password}, {"forceChangePasswordNextSignIn", true}}));
}

// A user's `identities` are written whole: what is there stays.
Result<Json> change_link(ApiClient& client, const AdRequest& request) {
  const Json user = TRY(client.graph(http::Method::kGet, item_of(request) + "?$select=identities"));
  bool found = false;
  Json wanted = Json::array();
  for (const Json& each : user["identities"].items()) {
    bool same =
        each["issuer"].str() == request.issuer && each["issuerAssignedId"].str() == request.subject;
    found = found || same;
    if (!same) wanted.push_back(each);
  }
  if (request.verb == "unlink" && !found)
    return not_found("this account is not linked to the user");
  if (request.verb == "link")
    wanted.push_back(Json::object({{"signInType", "federated"},
                                   {"issuer", request.issuer},
                                   {"issuerAssignedId", request.subject}}));
  return client.graph(http::Method::kPatch, item_of(request),
                      Json::object({{"identities", std::move(wanted)}}));
}

Result<Json> run(ApiClient& client, const AdRequest& request) {
  using http::Method;
  if (request.verb == "list") return client.list_graph(collection_of(request));
  if (request.verb == "show") return client.graph(Method::kGet, item_of(request));
  if (request.verb == "create")
    return client.graph(Method::kPost, collection_of(request), body_of_new(request));
  if (request.verb == "delete") return client.graph(Method::kDelete, item_of(request));
  if (request.verb == "link" || request.verb == "unlink") return change_link(client, request);
  if (request.verb == "members") return client.list_graph(item_of(request) + "/members");
  if (request.verb == "add-member")
    return client.graph(
        Method::kPost, item_of(request) + "/members/$ref",
        Json::object({{"@odata.id", client.url("graph", "/v1.0/directoryObjects/" +
                                                            url_encode(request.member))}}));
  return client.graph(
      Method::kPost, item_of(request) + "/addPassword",
      Json::object({{"passwordCredential", Json::object({{"displayName", "lazuli"}})}}));
}

void print(const AdRequest& request, const Json& answer) {
  if (!answer.is_array()) {
    std::printf("%s", answer.empty() ? "done\n" : answer.dump_pretty().c_str());
    return;
  }
  std::vector<Column> columns = {{"ID", "id"}, {"NAME", "displayName"}};
  if (request.noun == "user") columns.push_back({"USER", "userPrincipalName"});
  if (request.noun == "app" || request.noun == "sp") columns.push_back({"APP ID", "appId"});
  if (request.noun == "provider") columns.push_back({"ISSUER", "issuer"});
  if (request.verb == "members") columns = {{"ID", "id"}, {"NAME", "displayName"}};
  std::printf("%s", format_table(columns, answer).c_str());
}

}  // namespace

int ad_command(const AdRequest& request) {
  return ask_and_show(
      request.data_dir, request.json, [&](ApiClient& client) { return run(client, request); },
      [&](const Json& answer) { print(request, answer); });
}

}  // namespace lazuli::cli
