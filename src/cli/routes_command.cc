// SPDX-License-Identifier: Apache-2.0
#include "cli/routes_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "cli/api_client.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "core/root_key.h"
#include "server/house.h"
#include "server/installation.h"
#include "server/route_list.h"

namespace lazuli::cli {
namespace {

Result<Json> declared_routes(const std::string& folder) {
  server::DataDir dir = TRY(server::DataDir::open(folder));
  core::Installation installation = TRY(server::load_installation(dir, ""));
  SecretBytes key = TRY(core::load_or_create_root_key(folder));
  std::unique_ptr<core::Vault> vault = core::make_vault(key);
  auto house = TRY(server::House::open(installation, key, *vault, {}));
  return server::route_list(house->manifests());
}

// Of this program, on a folder that is thrown away.
Result<Json> own_routes() {
  std::string folder = "/tmp/lazuli-routes-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return errno_error("make " + folder, errno);
  Result<Json> all = declared_routes(folder);
  (void)remove_tree(folder);
  return all;
}

// Of the server that runs on the data directory.
Result<Json> served_routes(ApiClient& client) {
  ApiClient::Call call;
  call.host = "";
  call.path = "/routes";
  return TRY(Json::parse(TRY(client.send(call)).text()))["value"];
}

}  // namespace

int routes(const std::string& data_dir, bool declared, bool json) {
  auto client = declared ? Result<std::unique_ptr<ApiClient>>(unavailable("not asked"))
                         : ApiClient::connect(data_dir);
  if (!client.ok() && !declared)
    std::fprintf(stderr, "lazuli: no server answers; these are this program's own routes\n");
  const Result<Json> all = client.ok() ? served_routes(**client) : own_routes();
  if (!all.ok()) return fail(all.error());
  if (json) {
    std::printf("%s", all->dump_pretty().c_str());
    return kSuccess;
  }
  std::printf("%s", format_table({{"SERVICE", "service"},
                                  {"METHOD", "method"},
                                  {"HOST", "host"},
                                  {"OPERATION", "operationId"},
                                  {"PATH", "path"},
                                  {"PERMISSION", "permission"},
                                  {"ANONYMOUS", "anonymous"},
                                  {"THERE", "implemented"}},
                                 *all)
                        .c_str());
  return kSuccess;
}

}  // namespace lazuli::cli
