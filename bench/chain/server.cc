// SPDX-License-Identifier: Apache-2.0
// The whole chain in front of a handler that does nothing, with the real token service and roles:
// "/noop" asks for no credential, "/subscriptions/S/noop" for a bearer token with a right on S.
// Prints the subscription and a token, and runs until it is killed. Usage: bench_chain DATA_DIR
// PORT
#include <unistd.h>

#include <cstdio>

#include "base/files.h"
#include "codec/json.h"
#include "core/root_key.h"
#include "server/certificates.h"
#include "server/house.h"
#include "server/installation.h"
#include "services/identity/api.h"

namespace {

using lazuli::Error;
using lazuli::Json;
using lazuli::Result;
using lazuli::success;
namespace core = lazuli::core;
namespace http = lazuli::http;
namespace server = lazuli::server;

class NoProxy final : public http::ProxyPolicy {
 public:
  bool is_own(const std::string&) const override { return false; }
  std::string parent() const override { return {}; }
};

core::Route noop_route(std::string path, bool anonymous) {
  core::Route route;
  route.host = core::Host::kApi;  // Azure Resource Manager would count requests and refuse them
  route.credentials = {core::Credential::kMlToken};
  route.path = std::move(path);
  route.anonymous = anonymous;
  route.operation = {anonymous ? "" : "Microsoft.Resources/subscriptions/read"};
  route.operation_id = "Noop";
  route.pool = http::Pool::kInline;
  route.handler = [](core::RequestContext&) -> Result<http::Response> {
    return http::Response(200, "ok", "text/plain");
  };
  return route;
}

Result<std::string> administrators_token(server::House& house,
                                         const core::Installation& installation) {
  const std::string text =
      TRY(lazuli::read_file(installation.data_dir + "/administrator.json", 64 * 1024));
  const Json administrator = TRY(Json::parse(text));
  lazuli::identity::TokenRequest request;
  request.object_id = administrator["objectId"].text();
  request.audience = "https://ml.azure." + installation.domain;
  const auto token = TRY(house.identity().issue_token(request));
  return std::string(token.expose());
}

Result<void> serve(const std::string& folder, const std::string& port) {
  const server::DataDir dir = TRY(server::DataDir::open(folder));
  const core::Installation installation = TRY(server::load_installation(dir, {}));
  const auto root_key = TRY(core::load_or_create_root_key(dir.path()));
  const auto vault = core::make_vault(root_key);
  const auto certificates =
      TRY(server::Certificates::open(dir.path(), installation.domain, *vault));
  server::House::Options more;
  core::Manifest& manifest = more.more.emplace_back();
  manifest.service = "bench";
  manifest.routes = {noop_route("/noop", true), noop_route("/subscriptions/{sub}/noop", false)};
  const auto house = TRY(server::House::open(installation, root_key, *vault, more));
  TRY(house->start());
  NoProxy proxy;
  const auto egress = http::make_egress({});
  http::ServerOptions options;
  options.listen = {"127.0.0.1:" + port};
  const auto listening =
      TRY(http::Server::create(options, house->chain(), *certificates, proxy, *egress));
  TRY(listening->start());
  std::printf("%s %s\n", installation.subscription_id.c_str(),
              TRY(administrators_token(*house, installation)).c_str());
  std::fflush(stdout);
  pause();
  return success();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto served = serve(argv[1], argv[2]);
  if (!served.ok()) std::fprintf(stderr, "%s\n", served.error().message.c_str());
  return served.ok() ? 0 : 1;
}
