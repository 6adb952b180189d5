// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/launch.h"

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/strings.h"
#include "proc/files.h"

namespace lazuli::compute {
namespace {

constexpr size_t kIdBytesMax = 120;
constexpr size_t kArgumentsMax = 4096;
constexpr size_t kMountsMax = 256;
constexpr size_t kHostNamesMax = 256;

constexpr std::array<std::string_view, 7> kStateNames = {
    "starting", "running", "exited", "signaled", "timed_out", "canceled", "lost"};
constexpr std::array<std::string_view, 3> kKindNames = {"bubblewrap", "landlock+seccomp",
                                                        "seccomp"};

template <size_t N>
Result<int> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return invalid_argument(cat({"unknown value '", name, "'"}));
  return static_cast<int>(found - names.begin());
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_plain(c) || c == '.'; });
}

// Absolute, without "." and ".." and anything that could end a line or a string.
bool is_clean_path(std::string_view path) {
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string_view::npos) return false;
  for (std::string_view part : split(path, '/'))
    if (part == ".." || part == ".") return false;
  return true;
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

Result<Json> read_json(const std::string& path) {
  std::string text = TRY(read_file(path));
  return Json::parse(text);
}

Json environment_json(const std::map<std::string, std::string>& environment) {
  Json json = Json::object();
  for (const auto& [name, value] : environment) json[name] = value;
  return json;
}

Json mounts_json(const std::vector<Mount>& mounts) {
  Json json = Json::array();
  for (const Mount& mount : mounts)
    json.push_back(Json::object(
        {{"source", mount.source}, {"target", mount.target}, {"writable", mount.writable}}));
  return json;
}

std::vector<std::string> strings(const Json& json) {
  std::vector<std::string> out;
  for (const Json& item : json.items()) out.emplace_back(item.str());
  return out;
}

ProcessSpec spec_from_json(const Json& json) {
  ProcessSpec spec;
  spec.id = json["id"].str();
  spec.argv = strings(json["argv"]);
  for (const Json::Member& member : json["environment"].members())
    spec.environment[member.key] = member.value.str();
  spec.working_directory = json["working_directory"].str();
  for (const Json& item : json["mounts"].items())
    spec.mounts.push_back({std::string(item["source"].str()), std::string(item["target"].str()),
                           item["writable"].boolean()});
  spec.host_names = strings(json["host_names"]);
  spec.timeout = Duration(json["timeout_us"].integer());
  spec.grace = Duration(json["grace_us"].integer());
  spec.memory_bytes_max = static_cast<uint64_t>(json["memory_bytes_max"].integer());
  return spec;
}

Result<void> validate_environment(const ProcessSpec& spec) {
  for (const auto& [name, value] : spec.environment) {
    bool valid =
        !name.empty() && name.find('=') == std::string::npos && !has_nul(name) && !has_nul(value);
    if (!valid) return invalid_argument(cat({"'", name, "' is no environment variable"}));
  }
  return success();
}

Result<void> validate_mounts(const ProcessSpec& spec, const Isolation& isolation) {
  if (spec.mounts.size() > kMountsMax) return invalid_argument("too many mounts");
  for (const Mount& mount : spec.mounts) {
    bool clean = is_clean_path(mount.source) &&
                 (mount.target.empty() || is_clean_path(mount.target)) && mount.target != "/";
    if (!clean)
      return invalid_argument(cat({"cannot mount '", mount.source, "' at '", mount.target, "'"}));
    bool moved = !mount.target.empty() && mount.target != mount.source;
    if (moved && !isolation.namespaces())
      return invalid_argument(cat({"this machine refuses namespaces, so '", mount.source,
                                   "' cannot be mounted at '", mount.target, "'"}));
  }
  return success();
}

}  // namespace

std::string Isolation::name() const { return std::string(kKindNames[static_cast<size_t>(kind)]); }

Json to_json(const Launch& launch) {
  const ProcessSpec& spec = launch.spec;
  return Json::object({{"id", spec.id},
                       {"argv", Json::strings(spec.argv)},
                       {"environment", environment_json(spec.environment)},
                       {"working_directory", spec.working_directory},
                       {"mounts", mounts_json(spec.mounts)},
                       {"host_names", Json::strings(spec.host_names)},
                       {"timeout_us", spec.timeout.count()},
                       {"grace_us", spec.grace.count()},
                       {"memory_bytes_max", spec.memory_bytes_max},
                       {"isolation", launch.isolation.name()},
                       {"bwrap", launch.isolation.bwrap},
                       {"user_namespace", launch.isolation.user_namespace},
                       {"executable", launch.executable},
                       {"relay_socket", launch.relay_socket}});
}

Result<Launch> launch_from_json(const Json& json) {
  Launch launch;
  launch.spec = spec_from_json(json);
  launch.isolation.kind =
      static_cast<Isolation::Kind>(TRY(index_of(kKindNames, json["isolation"].str())));
  launch.isolation.bwrap = json["bwrap"].str();
  launch.isolation.user_namespace = json["user_namespace"].boolean();
  launch.executable = json["executable"].str();
  launch.relay_socket = json["relay_socket"].str();
  if (launch.spec.id.empty() || launch.spec.argv.empty())
    return invalid_argument("not a process description");
  return launch;
}

Json to_json(const ProcessStatus& status) {
  return Json::object({{"id", status.id},
                       {"state", kStateNames[static_cast<size_t>(status.state)]},
                       {"exit_code", status.exit_code},
                       {"error", status.error},
                       {"started", to_micros(status.started)},
                       {"ended", to_micros(status.ended)}});
}

Result<ProcessStatus> status_from_json(const Json& json) {
  ProcessStatus status;
  status.id = json["id"].str();
  status.state = static_cast<ProcessState>(TRY(index_of(kStateNames, json["state"].str())));
  status.exit_code = static_cast<int>(json["exit_code"].integer());
  status.error = json["error"].str();
  status.started = from_micros(json["started"].integer());
  status.ended = from_micros(json["ended"].integer());
  return status;
}

Result<void> validate(const ProcessSpec& spec, const Isolation& isolation) {
  if (spec.id.empty() || spec.id.size() > kIdBytesMax)
    return invalid_argument("a process id has 1 to 120 bytes");
  if (spec.argv.empty() || spec.argv[0].empty() || spec.argv.size() > kArgumentsMax)
    return invalid_argument("a process needs a program and at most 4095 arguments");
  if (std::any_of(spec.argv.begin(), spec.argv.end(), has_nul))
    return invalid_argument("an argument holds a NUL character");
  TRY(validate_environment(spec));
  TRY(validate_mounts(spec, isolation));
  if (!spec.working_directory.empty() && !is_clean_path(spec.working_directory))
    return invalid_argument(cat({"bad working directory '", spec.working_directory, "'"}));
  if (spec.host_names.size() > kHostNamesMax) return invalid_argument("too many host names");
  for (const std::string& name : spec.host_names)
    if (!is_host_name(name)) return invalid_argument(cat({"bad host name '", name, "'"}));
  if (spec.timeout.count() < 0 || spec.grace.count() < 0)
    return invalid_argument("a timeout cannot be negative");
  return success();
}

Result<Launch> ProcessFolder::read_launch() const {
  return launch_from_json(TRY(read_json(launch())));
}

Result<ProcessStatus> ProcessFolder::read_end() const {
  return status_from_json(TRY(read_json(end())));
}

Result<ProcessStatus> ProcessFolder::progress(const std::string& id) const {
  for (const std::string& file : {end(), running()})
    if (file_exists(file)) return status_from_json(TRY(read_json(file)));
  if (!file_exists(launch())) return not_found(cat({"no process '", id, "'"}));
  ProcessStatus starting;
  starting.id = id;
  return starting;
}

Result<void> ProcessFolder::write_end(const ProcessStatus& status) const {
  return write_file_durably(end(), to_json(status).dump());
}

std::string folder_name(const std::string& id) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string name;
  for (char c : id) {
    if (is_plain(c) || (c == '.' && !name.empty())) {
      name += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      name += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return name;
}

}  // namespace lazuli::compute
