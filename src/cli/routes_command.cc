// SPDX-License-Identifier: Apache-2.0
#include "cli/routes_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "core/root_key.h"
#include "server/house.h"
#include "server/installation.h"

namespace lazuli::cli {
namespace {

std::string_view host_name(core::Host host) {
  switch (host) {
    case core::Host::kManagement:
      return "management";
    case core::Host::kLogin:
      return "login";
    case core::Host::kGraph:
      return "graph";
    case core::Host::kApi:
      return "api";
    case core::Host::kBlob:
      return "blob";
    case core::Host::kInference:
      return "inference";
    case core::Host::kPlain:
      return "plain";
  }
  return "";
}

Json route_json(const std::string& service, const core::Route& route) {
  return Json::object({{"service", service},
                       {"method", http::to_string(route.method)},
                       {"host", host_name(route.host)},
                       {"path", route.path},
                       {"query", route.query},
                       {"operationId", route.operation_id},
                       {"permission", route.operation.name},
                       {"isDataAction", route.operation.is_data_action},
                       {"anonymous", route.anonymous},
                       {"implemented", static_cast<bool>(route.handler)}});
}

Result<Json> declared_routes(const std::string& folder) {
  server::DataDir dir = TRY(server::DataDir::open(folder));
  core::Installation installation = TRY(server::load_installation(dir, ""));
  SecretBytes key = TRY(core::load_or_create_root_key(folder));
  std::unique_ptr<core::Vault> vault = core::make_vault(key);
  auto house = TRY(server::House::open(installation, key, *vault, {}));
  Json all = Json::array();
  for (const core::Manifest& manifest : house->manifests())
    for (const core::Route& route : manifest.routes)
      all.push_back(route_json(manifest.service, route));
  return all;
}

}  // namespace

int routes(bool json) {
  std::string folder = "/tmp/lazuli-routes-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return fail(errno_error("make " + folder, errno));
  Result<Json> all = declared_routes(folder);
  (void)remove_tree(folder);
  if (!all.ok()) return fail(all.error());
  if (json) {
    std::printf("%s", all->dump_pretty().c_str());
    return kSuccess;
  }
  std::printf("%s", format_table({{"SERVICE", "service"},
                                  {"METHOD", "method"},
                                  {"HOST", "host"},
                                  {"OPERATION", "operationId"},
                                  {"PERMISSION", "permission"},
                                  {"THERE", "implemented"}},
                                 *all)
                        .c_str());
  return kSuccess;
}

}  // namespace lazuli::cli
