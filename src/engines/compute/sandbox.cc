// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "proc/files.h"
#include "proc/run.h"

namespace lazuli::compute {
namespace {

constexpr const char* kSystemFolders[] = {"/usr", "/opt"};
// Real folders or, on a merged /usr, links into it.
constexpr const char* kLinkedFolders[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
// Of /etc what programs need to run; nothing that tells secrets or names people.
constexpr const char* kEtcFolders[] = {"/etc/alternatives", "/etc/ssl/certs", "/etc/fonts",
                                       "/etc/pki",          "/etc/OpenCL",    "/etc/vulkan"};
constexpr const char* kEtcFiles[] = {
    "/etc/debian_version", "/etc/host.conf", "/etc/ld.so.cache",     "/etc/ld.so.conf",
    "/etc/locale.alias",   "/etc/localtime", "/etc/mime.types",      "/etc/os-release",
    "/etc/protocols",      "/etc/services",  "/etc/ssl/openssl.cnf", "/etc/timezone"};
// Processors, memory and graphics; the whole of /sys has many mounts below it, each of which takes
// its time.
constexpr const char* kKernelFolders[] = {"/sys/devices", "/sys/class/drm", "/sys/bus/pci",
                                          "/sys/module/nvidia"};
constexpr const char* kGpuDevices[] = {
    "/dev/nvidia0",   "/dev/nvidia1",    "/dev/nvidia2",        "/dev/nvidia3",
    "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-modeset", "/dev/nvidia-uvm-tools",
    "/dev/dri",       "/dev/kfd"};

constexpr int kFirstFileFd = 10;  // above the numbers the init is given

using Words = std::vector<std::string>;

void append(Words& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

// User 0 inside, which is the server's user outside.
Words namespace_arguments(const Isolation& isolation) {
  Words words = {isolation.bwrap};
  if (isolation.user_namespace) append(words, {"--unshare-user", "--uid", "0", "--gid", "0"});
  append(words, {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
                 "--hostname", "job", "--die-with-parent", "--cap-drop", "ALL"});
  return words;
}

// Alike for the trial and the real thing: a network of its own, and the one capability to bind port
// 443 in it.
Words job_arguments(const Isolation& isolation) {
  Words words = namespace_arguments(isolation);
  append(words, {"--unshare-net", "--as-pid-1", "--cap-add", "CAP_NET_BIND_SERVICE"});
  return words;
}

void append_system(Words& words) {
  for (const char* folder : kSystemFolders) append(words, {"--ro-bind-try", folder, folder});
  for (const char* folder : kLinkedFolders) {
    std::error_code error;
    auto target = std::filesystem::read_symlink(folder, error);
    if (!error)
      append(words, {"--symlink", target.string(), folder});
    else
      append(words, {"--ro-bind-try", folder, folder});
  }
  append(words, {"--proc", "/proc", "--dev", "/dev"});
  for (const char* folder : kKernelFolders) append(words, {"--ro-bind-try", folder, folder});
  for (const char* device : kGpuDevices) append(words, {"--dev-bind-try", device, device});
}

bool works(const Isolation& isolation) {
  proc::RunOptions options;
  options.spawn.argv = job_arguments(isolation);
  append_system(options.spawn.argv);
  append(options.spawn.argv, {"--", "/usr/bin/true"});
  options.timeout = std::chrono::seconds(10);
  Result<proc::RunOutput> ran = proc::run(std::move(options));
  return ran.ok() && ran->exit.success();
}

std::string hosts_file(const ProcessSpec& spec) {
  std::string text = "127.0.0.1 localhost job\n::1 localhost\n";
  for (const std::string& name : spec.host_names)
    text += cat({"127.0.0.1 ", name, "\n::1 ", name, "\n"});
  return text;
}

// Copied into the sandbox's root, which takes no mount each.
void append_file(SandboxCommand& command, Fd content, const std::string& path) {
  int number = kFirstFileFd + static_cast<int>(command.files.size());
  append(command.argv, {"--perms", "0444", "--file", std::to_string(number), path});
  command.fds.push_back({content.get(), number});
  command.files.push_back(std::move(content));
}

Result<void> append_etc(SandboxCommand& command, const Launch& launch) {
  for (const char* path : kEtcFolders) append(command.argv, {"--ro-bind-try", path, path});
  for (const char* path : kEtcFiles) {
    Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    if (file.valid()) append_file(command, std::move(file), path);
  }
  bool mapped = launch.isolation.user_namespace;
  std::string uid = mapped ? "0" : std::to_string(::geteuid());
  std::string gid = mapped ? "0" : std::to_string(::getegid());
  const std::pair<const char*, std::string> made[] = {
      {"/etc/hosts", hosts_file(launch.spec)},
      {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files myhostname\n"},
      {"/etc/passwd", cat({"job:x:", uid, ":", gid, ":job:/tmp:/bin/bash\n"})},
      {"/etc/group", cat({"job:x:", gid, ":\n"})}};
  for (const auto& [path, text] : made)
    append_file(command, TRY(proc::memory_file("etc", text)), path);
  return success();
}

bool is_below(const std::string& path, std::string_view folder) {
  return path.starts_with(cat({folder, "/"}));
}

// The data directory, which holds keys, must not be seen even if it lies in a system folder.
std::string data_folder(const ProcessFolder& folder) {
  return std::filesystem::path(folder.path()).parent_path().parent_path();
}

}  // namespace

Isolation detect_isolation(bool without_namespaces) {
  Isolation isolation;
  isolation.kind = Isolation::Kind::kBubblewrap;
  isolation.bwrap = proc::find_program("bwrap").value_or("");
  if (!without_namespaces && !isolation.bwrap.empty()) {
    isolation.user_namespace = ::geteuid() != 0;
    if (works(isolation)) return isolation;
    isolation.user_namespace = true;
    if (works(isolation)) return isolation;
  }
  isolation = Isolation{};
  if (landlock_version() > 0) isolation.kind = Isolation::Kind::kLandlock;
  log::warning("compute", "no namespaces for jobs here", {{"isolation", isolation.name()}});
  return isolation;
}

Result<SandboxCommand> sandbox_command(const Launch& launch, const ProcessFolder& folder) {
  if (::mkdir(folder.temporary().c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error("make " + folder.temporary(), errno);
  SandboxCommand command;
  command.argv = {launch.executable, "sandbox-init"};
  if (!launch.isolation.namespaces()) return command;
  command.argv = job_arguments(launch.isolation);
  append_system(command.argv);
  TRY(append_etc(command, launch));
  for (const char* system : kSystemFolders)
    if (is_below(folder.path(), system)) append(command.argv, {"--tmpfs", data_folder(folder)});
  append(command.argv, {"--bind", folder.temporary(), "/tmp", "--dir", "/var/tmp"});
  for (const Mount& mount : launch.spec.mounts)
    append(command.argv, {mount.writable ? "--bind" : "--ro-bind", mount.source,
                          mount.target.empty() ? mount.source : mount.target});
  append(command.argv, {"--ro-bind", launch.executable, kSandboxProgram, "--remount-ro", "/",
                        "--chdir", "/", "--", kSandboxProgram, "sandbox-init"});
  return command;
}

std::vector<std::string> build_sandbox_command(const Isolation& isolation,
                                               const std::string& writable,
                                               const std::vector<std::string>& readable) {
  Words words = namespace_arguments(isolation);
  append_system(words);
  for (const char* path : kEtcFolders) append(words, {"--ro-bind-try", path, path});
  for (const char* path : kEtcFiles) append(words, {"--ro-bind-try", path, path});
  for (const char* path : {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/passwd"})
    append(words, {"--ro-bind-try", path, path});
  append(words, {"--tmpfs", "/tmp"});
  for (const std::string& path : readable) append(words, {"--ro-bind", path, path});
  append(words, {"--bind", writable, writable, "--remount-ro", "/", "--chdir", "/tmp", "--"});
  return words;
}

FileAccess file_access(const Launch& launch, const ProcessFolder& folder) {
  FileAccess access;
  for (const char* path : kSystemFolders)
    if (!is_below(folder.path(), path)) access.readable.emplace_back(path);
  for (const char* path : kLinkedFolders) access.readable.emplace_back(path);
  for (const char* path : kEtcFolders) access.readable.emplace_back(path);
  for (const char* path : kEtcFiles) access.readable.emplace_back(path);
  for (const char* path : {"/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/proc",
                           "/sys", "/dev/zero", "/dev/random", "/dev/urandom"})
    access.readable.emplace_back(path);
  for (const char* path : {"/dev/null", "/dev/full", "/dev/tty", "/dev/shm"})
    access.writable.emplace_back(path);
  for (const char* path : kGpuDevices) access.writable.emplace_back(path);
  access.writable.push_back(folder.temporary());
  for (const Mount& mount : launch.spec.mounts)
    (mount.writable ? access.writable : access.readable).push_back(mount.source);
  return access;
}

std::map<std::string, std::string> job_environment(const Launch& launch,
                                                   const ProcessFolder& folder) {
  std::map<std::string, std::string> environment = launch.spec.environment;
  std::string temporary = launch.isolation.namespaces() ? "/tmp" : folder.temporary();
  environment.insert({{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                      {"HOME", temporary},
                      {"TMPDIR", temporary},
                      {"LANG", "C.UTF-8"},
                      {"ORT_DISABLE_TELEMETRY", "1"},
                      {"MLFLOW_DISABLE_TELEMETRY", "true"},
                      {"DO_NOT_TRACK", "1"}});
  return environment;
}

}  // namespace lazuli::compute
