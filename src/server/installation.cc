// SPDX-License-Identifier: Apache-2.0
#include "server/installation.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "base/ids.h"
#include "base/strings.h"
#include "codec/json.h"

namespace lazuli::server {
namespace {

constexpr std::string_view kDefaultDomain = "lazuli.localhost";

Json fresh_installation() {
  return Json::object({{"format", kDataFormat},
                       {"domain", kDefaultDomain},
                       {"region", "local"},
                       {"cloudName", "Lazuli"},
                       {"tenantId", new_uuid()},
                       {"subscriptionId", new_uuid()},
                       {"resourceGroup", "lazuli"},
                       {"workspace", "main"},
                       {"storageAccount", "lazuli" + random_name(12)}});
}

std::string own_executable() {
  std::error_code failure;
  return std::filesystem::read_symlink("/proc/self/exe", failure).string();
}

std::string installation_file(const std::string& data_dir) {
  return data_dir + "/installation.json";
}

std::string server_file(const std::string& data_dir) { return data_dir + "/server.json"; }

}  // namespace

Result<DataDir> DataDir::open(const std::string& path) {
  TRY(make_folder(path));
  std::string lock_path = path + "/lock";
  int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return errno_error("open " + lock_path, errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return conflict(cat({"another server already uses ", path,
                         ". Stop it with `lazuli down`, or choose another --data directory."}));
  }
  return DataDir(path, lock);
}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

Result<core::Installation> load_installation(const DataDir& dir, const std::string& domain) {
  std::string path = installation_file(dir.path());
  if (!file_exists(path)) {
    Json json = fresh_installation();
    if (!domain.empty()) json.set("domain", domain);
    TRY(write_file_durably(path, json.dump_pretty()));
  }
  core::Installation made = TRY(read_installation(dir.path()));
  if (!domain.empty()) made.domain = domain;
  return made;
}

Result<core::Installation> read_installation(const std::string& data_dir) {
  Json json = TRY(Json::parse(TRY(read_file(installation_file(data_dir)))));
  if (json["format"].integer() != kDataFormat)
    return invalid_argument(cat({data_dir, " has the data format ", json["format"].text(),
                                 "; this server reads format ", std::to_string(kDataFormat)}));
  core::Installation made;
  made.data_dir = data_dir;
  made.domain = json["domain"].text();
  made.region = json["region"].text();
  made.cloud_name = json["cloudName"].text();
  made.tenant_id = json["tenantId"].text();
  made.subscription_id = json["subscriptionId"].text();
  made.resource_group = json["resourceGroup"].text();
  made.workspace = json["workspace"].text();
  made.storage_account = json["storageAccount"].text();
  made.executable = own_executable();
  made.ca_bundle = data_dir + "/ca-bundle.pem";
  made.relay_socket = data_dir + "/relay.sock";
  return made;
}

Result<void> write_server_file(const std::string& data_dir, const ServerFile& file) {
  Json json = Json::object(
      {{"pid", file.pid}, {"address", file.address}, {"port", file.port}, {"domain", file.domain}});
  return write_file_durably(server_file(data_dir), json.dump_pretty());
}

Result<ServerFile> read_server_file(const std::string& data_dir) {
  Error none =
      not_found(cat({"no server is running on ", data_dir, ". Start one with `lazuli up`."}));
  Result<std::string> text = read_file(server_file(data_dir));
  if (!text.ok()) return none;
  Json json = TRY(Json::parse(*text));
  ServerFile file{static_cast<int>(json["pid"].integer()), json["address"].text(),
                  static_cast<uint16_t>(json["port"].integer()), json["domain"].text()};
  bool alive = file.pid > 0 && (::kill(file.pid, 0) == 0 || errno == EPERM);
  if (!alive) return none;
  return file;
}

void remove_server_file(const std::string& data_dir) { ::unlink(server_file(data_dir).c_str()); }

std::string default_data_dir(const std::string& flag) {
  std::string chosen = flag;
  if (const char* variable = std::getenv("LAZULI_DATA"); chosen.empty() && variable != nullptr)
    chosen = variable;
  if (const char* home = std::getenv("HOME"); chosen.empty() && home != nullptr)
    chosen = std::string(home) + "/.lazuli";
  if (chosen.empty()) chosen = "/var/lib/lazuli";
  return std::filesystem::absolute(chosen).lexically_normal().string();
}

}  // namespace lazuli::server
