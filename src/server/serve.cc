// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "core/root_key.h"
#include "http/egress.h"
#include "http/url.h"
#include "server/certificates.h"
#include "server/hosts.h"
#include "server/house.h"
#include "server/installation.h"
#include "server/listen.h"
#include "server/setup.h"

namespace lazuli::server {
namespace {

constexpr Duration kDrain = std::chrono::seconds(20);
constexpr size_t kDescriptorsMax = 65536;
constexpr size_t kDescriptorsKept = 1024;

// The server's own proxy: tunnels to our names end here, foreign ones go on to the proxy that was
// configured before.
class OwnProxy final : public http::ProxyPolicy {
 public:
  OwnProxy(const core::Installation& installation, std::string parent)
      : domain_(installation.domain), parent_(std::move(parent)) {}
  bool is_own(const std::string& host) const override { return is_own_name(host, domain_); }
  std::string parent() const override { return parent_; }

 private:
  const std::string domain_, parent_;
};

// "host:port", or nothing where it is written otherwise. Its text may hold a password.
std::optional<std::string> proxy_address(std::string_view text) {
  auto url =
      http::parse_url(text.find("://") == text.npos ? cat({"http://", text}) : std::string(text));
  if (!url.ok() || url->tls) return std::nullopt;
  return cat({url->authority.host, ":", std::to_string(url->port())});
}

// "host:port" of the proxy that was configured before ours, or empty: direct. What is meant for us
// must be understood; of what the shell says for everybody, what is not is left aside.
Result<std::string> parent_proxy() {
  if (const char* own = std::getenv("LAZULI_PARENT_PROXY")) {
    if (*own == '\0') return std::string();
    if (auto address = proxy_address(own)) return *address;
    return invalid_argument(
        "the proxy in LAZULI_PARENT_PROXY is not understood: write http://HOST:PORT, without a "
        "user name, or nothing for none");
  }
  for (const char* name : {"https_proxy", "HTTPS_PROXY"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    if (auto address = proxy_address(value)) return *address;
    log::warning("server",
                 "a proxy with a user name or TLS is not used, foreign names are met "
                 "directly: LAZULI_PARENT_PROXY=http://HOST:PORT names another",
                 {{"variable", name}});
    break;
  }
  return std::string();
}

// Secrets live in this process: no core dump, no /proc/PID/mem for others.
void keep_memory_private() {
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

// Blocked in every thread from the start on, so that only wait_for_end takes them.
sigset_t block_end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

int wait_for_end(const sigset_t& set) {
  int signal_number = 0;
  ::sigwait(&set, &signal_number);
  return signal_number;
}

// As many file descriptors as the system allows, within reason. What jobs inherit is set for them.
size_t raise_descriptor_limit() {
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kDescriptorsKept;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kDescriptorsMax);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

http::ServerOptions server_options(const core::Installation& installation,
                                   const ListenChoice& choice) {
  http::ServerOptions options;
  options.listen = choice.addresses;
  options.listen.push_back("unix:" + installation.relay_socket);
  // Connections leave descriptors for files, the database and jobs.
  const size_t descriptors = raise_descriptor_limit();
  const size_t room = descriptors > 2 * kDescriptorsKept ? descriptors - kDescriptorsKept : 256;
  options.connections_max = std::min(options.connections_max, room);
  options.connections_per_source_max =
      std::min(options.connections_per_source_max, options.connections_max * 3 / 4);
  return options;
}

std::vector<std::string> egress_networks(const ServeOptions& options) {
  std::vector<std::string> networks = options.egress_networks;
  if (const char* value = std::getenv("LAZULI_ALLOW_EGRESS"))
    for (std::string_view network : split(value, ','))
      if (!trim(network).empty()) networks.emplace_back(trim(network));
  return networks;
}

Result<void> run(const ServeOptions& options, const sigset_t& end_signals) {
  auto begin = SteadyClock::now();
  DataDir dir = TRY(DataDir::open(options.data_dir));
  core::Installation installation = TRY(load_installation(dir, options.domain));
  SecretBytes root_key = TRY(core::load_or_create_root_key(dir.path()));
  std::unique_ptr<core::Vault> vault = core::make_vault(root_key);
  auto certificates = TRY(Certificates::open(dir.path(), installation.domain, *vault));
  TRY(certificates->write_bundle(installation.ca_bundle));
  House::Options house_options;
  house_options.database_url = options.database_url;
  house_options.bytes_url = options.bytes_url;
  house_options.audit_days = options.audit_days;
  house_options.egress_networks = egress_networks(options);
  house_options.parent_proxy = TRY(parent_proxy());
  auto house = TRY(House::open(installation, root_key, *vault, house_options));
  ListenChoice choice = TRY(choose_addresses(options.listen, options.port));
  OwnProxy proxy(installation, house_options.parent_proxy);
  auto proxy_egress = http::make_egress({.ports = {443}});
  auto server = TRY(http::Server::create(server_options(installation, choice), house->chain(),
                                         *certificates, proxy, *proxy_egress));
  TRY(house->start());
  TRY(server->start());
  TRY(write_server_file(dir.path(), {static_cast<int>(::getpid()), choice.addresses.front(),
                                     choice.port, installation.domain}));
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begin);
  log::info("server", "ready",
            {{"address", choice.addresses.front()},
             {"domain", installation.domain},
             {"data", dir.path()},
             {"start_ms", took.count()}});
  if (file_exists(setup_code_file(dir.path())))
    log::info("server", "a setup code for the first person waits; see `lazuli setup --help`",
              {{"file", setup_code_file(dir.path())}});
  int signal_number = wait_for_end(end_signals);
  log::info("server", "stopping", {{"signal", signal_number}});
  remove_server_file(dir.path());
  server->drain(kDrain);
  house->stop();
  return {};
}

}  // namespace

Result<void> make_setup_code(const ServeOptions& options) {
  DataDir dir = TRY(DataDir::open(options.data_dir));
  core::Installation installation = TRY(load_installation(dir, options.domain));
  SecretBytes root_key = TRY(core::load_or_create_root_key(dir.path()));
  std::unique_ptr<core::Vault> vault = core::make_vault(root_key);
  House::Options house_options;
  house_options.database_url = options.database_url;
  house_options.bytes_url = options.bytes_url;
  auto house = TRY(House::open(installation, root_key, *vault, house_options));
  return house->renew_setup_code();
}

int serve(const ServeOptions& options) {
  keep_memory_private();
  sigset_t end_signals = block_end_signals();
  Result<void> result = run(options, end_signals);
  if (result.ok()) return 0;
  std::fprintf(stderr, "lazuli: %s\n", result.error().message.c_str());
  return 1;
}

}  // namespace lazuli::server
