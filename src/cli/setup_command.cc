// SPDX-License-Identifier: Apache-2.0
#include "cli/setup_command.h"

#include <sys/stat.h>

#include <cstdio>
#include <ctime>

#include "base/files.h"
#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/server_commands.h"
#include "cli/terminal.h"
#include "server/serve.h"
#include "server/setup.h"

namespace lazuli::cli {
namespace {

constexpr time_t kLifetimeSeconds = 3600;

// The code that waits, while it can still be used.
std::string waiting_code(const std::string& data_dir) {
  std::string file = server::setup_code_file(data_dir);
  struct stat facts{};
  if (::stat(file.c_str(), &facts) != 0) return {};
  if (facts.st_mtime + kLifetimeSeconds < ::time(nullptr)) return {};
  return read_file(file).value_or("");
}

Result<void> redeem(const SetupRequest& request) {
  auto client = TRY(ApiClient::connect(request.data_dir));
  std::string code = request.code.empty() ? waiting_code(request.data_dir) : request.code;
  if (code.empty())
    return not_found(
        "no setup code waits. With the server stopped, `lazuli setup-code` makes a new one.");
  SecretString password = read_secret("Password: ");
  Json body = Json::object({{"code", code},
                            {"userPrincipalName", request.user},
                            {"displayName", request.name},
                            {"password", password.expose()}});
  const Json made = TRY(client->plain_post("/setup", body));
  std::printf("%s is Owner of everything now. Sign in with `lazuli login`.\n",
              made["userPrincipalName"].text().c_str());
  return {};
}

}  // namespace

int setup(const SetupRequest& request) {
  Result<void> done = redeem(request);
  return done.ok() ? kSuccess : fail(done.error());
}

int setup_code(const server::ServeOptions& options) {
  Result<void> made = server::make_setup_code(options);
  if (!made.ok()) return fail(made.error());
  std::printf("%s\n", setup_hint(options.data_dir).c_str());
  return kSuccess;
}

std::string setup_hint(const std::string& data_dir) {
  std::string code = waiting_code(data_dir);
  if (code.empty()) return {};
  return cat({"setup code ", code,
              " (an hour, once): `lazuli setup --user NAME@DOMAIN` makes the first person"});
}

}  // namespace lazuli::cli
