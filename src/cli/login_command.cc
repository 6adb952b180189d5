// SPDX-License-Identifier: Apache-2.0
#include "cli/login_command.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/files.h"
#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/server_commands.h"
#include "cli/terminal.h"

namespace lazuli::cli {
namespace {

// Without a desktop the address stands on the terminal all the same.
void open_browser(const std::string& address) {
  if (std::getenv("DISPLAY") == nullptr && std::getenv("WAYLAND_DISPLAY") == nullptr) return;
  std::string program = "xdg-open", argument = address;
  char* argv[] = {program.data(), argument.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawnp(&pid, program.c_str(), nullptr, nullptr, argv, environ) == 0)
    ::waitpid(pid, nullptr, 0);
}

Result<Account> service_principal(const LoginOptions& options, const std::string& tenant) {
  if (options.username.empty())
    return invalid_argument("--service-principal needs --username, the application's id");
  Account account{.tenant = tenant, .client_id = options.username};
  if (!options.certificate.empty()) {
    account.kind = Account::Kind::kCertificate;
    account.certificate = SecretString(TRY(read_file(options.certificate)));
    return account;
  }
  account.kind = Account::Kind::kSecret;
  account.secret = options.password.empty() || options.password == "-"
                       ? read_secret("Client secret: ")
                       : SecretString(options.password);
  return account;
}

Result<Account> sign_in(ApiClient& client, const LoginOptions& options) {
  const std::string tenant =
      options.tenant.empty() ? client.installation().tenant_id : options.tenant;
  const std::string audience = client.url("management", "");
  SignIn& service = client.sign_in();
  if (options.service_principal) {
    Account account = TRY(service_principal(options, tenant));
    TRY(service.token(account, audience));
    return account;
  }
  if (options.device_code)
    return service.with_device_code(tenant, audience, [](const std::string& message) {
      std::fprintf(stderr, "%s\n", message.c_str());
    });
  return service.with_browser(tenant, audience, [&](const std::string& address) {
    std::fprintf(stderr, "Sign in with a browser at\n  %s\n", address.c_str());
    if (!options.no_browser) open_browser(address);
  });
}

Json describe(const Json& claims) {
  const bool app = claims["idtyp"].str() == "app";
  Json person = claims["upn"].is_null() ? claims["name"] : claims["upn"];
  Json name = app ? claims["app_displayname"] : std::move(person);
  Json all = Json::object({{"name", std::move(name)},
                           {"type", app ? "servicePrincipal" : "user"},
                           {"objectId", claims["oid"]},
                           {"tenantId", claims["tid"]},
                           {"appId", claims["appid"]}});
  all.set("tokenExpires", format_iso8601_seconds(from_micros(claims["exp"].integer() * 1000000)));
  return all;
}

int show(ApiClient& client, bool json) {
  const auto token = client.token(client.url("management", ""));
  if (!token.ok()) return fail(token.error());
  const auto claims = claims_of(*token);
  if (!claims.ok()) return fail(claims.error());
  Json who = describe(*claims);
  who.set("signedIn", client.has_account());
  if (json) {
    std::printf("%s", who.dump_pretty().c_str());
    return kSuccess;
  }
  for (const auto& [key, value] : who.members())
    std::printf("%-13s %s\n", key.c_str(), value.text().c_str());
  return kSuccess;
}

}  // namespace

int login(const LoginOptions& options) {
  auto client = ApiClient::connect(options.data_dir);
  if (!client.ok()) return fail(client.error());
  auto account = sign_in(**client, options);
  if (!account.ok()) return fail(account.error());
  if (auto kept = (*client)->act_as(std::move(*account)); !kept.ok()) return fail(kept.error());
  return show(**client, options.json);
}

int logout(const std::string& data_dir) {
  const auto forgotten = forget_account(data_dir);
  if (!forgotten.ok()) return fail(forgotten.error());
  std::printf(*forgotten ? "signed out\n" : "nobody had signed in\n");
  return kSuccess;
}

int whoami(const std::string& data_dir, bool json) {
  auto client = ApiClient::connect(data_dir);
  if (!client.ok()) return fail(client.error());
  return show(**client, json);
}

}  // namespace lazuli::cli
