// SPDX-License-Identifier: Apache-2.0
#include "cli/keys_command.h"

#include <cstdio>

#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/table.h"
#include "codec/text.h"

namespace lazuli::cli {
namespace {

constexpr std::string_view kKeys = "/v1.0/directory/signingKeys";

// A token's id. The token itself does not leave this machine.
Result<std::string> id_of_token(const std::string& token) {
  const std::vector<std::string_view> parts = split(token, '.');
  if (parts.size() == 1) return token;
  if (parts.size() != 3) return invalid_argument("this is neither a token nor a token's id");
  const std::string payload = TRY(from_base64url(parts[1]));
  const Json claims = TRY(Json::parse(payload));
  return claims["uti"].text();
}

Result<Json> run(ApiClient& client, const KeysRequest& request) {
  using http::Method;
  const std::string keys(kKeys);
  if (request.verb == "list" || request.verb == "rotate") {
    const Json answer =
        TRY(request.verb == "list" ? client.graph(Method::kGet, keys)
                                   : client.graph(Method::kPost, keys + "/rotate",
                                                  Json::object({{"atOnce", request.at_once}})));
    return answer["value"];
  }
  if (request.verb == "drop")
    return client.graph(Method::kDelete, cat({keys, "/", url_encode(request.id)}));
  return client.graph(Method::kPost, "/v1.0/directory/revokedTokens",
                      Json::object({{"uti", TRY(id_of_token(request.token))}}));
}

void print(const Json& answer) {
  if (!answer.is_array()) {
    std::printf("done\n");
    return;
  }
  std::printf("%s", format_table({{"ID", "keyId"},
                                  {"ALGORITHM", "algorithm"},
                                  {"STATE", "state"},
                                  {"SIGNS FROM", "startDateTime"},
                                  {"LAST TOKEN ENDS", "endDateTime"}},
                                 answer)
                        .c_str());
}

}  // namespace

int keys_command(const KeysRequest& request) {
  return ask_and_show(
      request.data_dir, request.json, [&](ApiClient& client) { return run(client, request); },
      print);
}

}  // namespace lazuli::cli
