// SPDX-License-Identifier: Apache-2.0
// For tests alone: makes a data directory, principals with roles in it, and tokens that no client
// could ask for (expired, of another tenant), as the directory's owner, before a server opens it.
// Reads one JSON document, {principals: [{name, assignments: [{role, scope}]}],
// tokens: [{name, principal, audience, lifetimeSeconds, tenant}]}, and prints {name: token}.
#include <cstdio>
#include <iostream>
#include <iterator>

#include "base/files.h"
#include "core/root_key.h"
#include "server/house.h"
#include "server/installation.h"
#include "services/authorization/api.h"
#include "services/identity/api.h"

namespace lazuli {
namespace {

using Principals = std::map<std::string, identity::ServicePrincipal>;

Result<std::unique_ptr<server::House>> open_house(const core::Installation& installation,
                                                  core::Vault& vault) {
  SecretBytes key = TRY(core::load_or_create_root_key(installation.data_dir));
  return server::House::open(installation, key, vault, {});
}

Result<Principals> make_principals(server::House& house, const Json& wanted) {
  Principals made;
  for (const Json& each : wanted.items()) {
    const std::string name = each["name"].text();
    made[name] = TRY(house.identity().ensure_service_principal(name));
    for (const Json& assignment : each["assignments"].items())
      TRY(house.authorization().assign(made[name].object_id, assignment["role"].text(),
                                       assignment["scope"].text()));
  }
  return made;
}

Result<Json> issue(core::Installation installation, core::Vault& vault, const Principals& known,
                   const Json& wanted) {
  // A tenant of one's own signs with the same keys: what such a token lacks is the right tenant.
  if (const std::string tenant = wanted["tenant"].text(); !tenant.empty())
    installation.tenant_id = tenant;
  auto house = TRY(open_house(installation, vault));
  const auto principal = known.find(wanted["principal"].text());
  if (principal == known.end()) return invalid_argument("no such principal");
  identity::TokenRequest request;
  request.object_id = principal->second.object_id;
  request.audience = wanted["audience"].text();
  request.lifetime = std::chrono::seconds(wanted["lifetimeSeconds"].integer(3600));
  const SecretString token = TRY(house->identity().issue_token(request));
  return Json(token.expose());
}

Result<Json> mint(const std::string& folder, const Json& wanted) {
  server::DataDir dir = TRY(server::DataDir::open(folder));
  const core::Installation installation = TRY(server::load_installation(dir, ""));
  SecretBytes key = TRY(core::load_or_create_root_key(dir.path()));
  const std::unique_ptr<core::Vault> vault = core::make_vault(key);
  Principals known;
  {
    auto house = TRY(open_house(installation, *vault));
    known = TRY(make_principals(*house, wanted["principals"]));
  }
  Json tokens = Json::object();
  for (const Json& each : wanted["tokens"].items())
    tokens.set(each["name"].text(), TRY(issue(installation, *vault, known, each)));
  return tokens;
}

}  // namespace
}  // namespace lazuli

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  auto wanted = lazuli::Json::parse(text);
  auto tokens = wanted.ok() ? lazuli::mint(argv[1], *wanted) : wanted;
  if (!tokens.ok()) {
    std::fprintf(stderr, "%s\n", tokens.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", tokens->dump().c_str());
  return 0;
}
