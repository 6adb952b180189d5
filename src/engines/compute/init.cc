// SPDX-License-Identifier: Apache-2.0
// What runs inside the sandbox before and above the command.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "codec/json.h"
#include "engines/compute/compute.h"
#include "engines/compute/confine.h"
#include "engines/compute/control.h"
#include "engines/compute/descendants.h"
#include "proc/files.h"

namespace lazuli::compute {
namespace {

constexpr uint16_t kRelayPort = 443;
constexpr int kBacklog = 128;
constexpr int kCannotRun = 126;
constexpr int kAbsent = 127;

struct Config {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
  std::string working_directory;
  bool namespaces = false;
  bool landlock = false;
  uint64_t memory_bytes_max = 0;
  FileAccess files;
};

std::vector<std::string> strings(const Json& json) {
  std::vector<std::string> out;
  for (const Json& item : json.items()) out.emplace_back(item.str());
  return out;
}

Result<Config> read_config() {
  Fd config_file(kConfigFd);
  Fd secret_file(kSecretFd);
  std::string text = TRY(proc::read_all(config_file.get()));
  Json json = TRY(Json::parse(text));
  std::string secret = TRY(proc::read_all(secret_file.get()));
  Config config;
  config.argv = strings(json["argv"]);
  config.environment = strings(json["environment"]);
  for (std::string_view line : split(secret, '\n'))
    if (line.find('=') != std::string_view::npos) config.environment.emplace_back(line);
  wipe(secret.data(), secret.size());
  config.working_directory = json["working_directory"].str();
  config.namespaces = json["namespaces"].boolean();
  config.landlock = json["landlock"].boolean();
  config.memory_bytes_max = static_cast<uint64_t>(json["memory_bytes_max"].integer());
  config.files = {strings(json["readable"]), strings(json["writable"])};
  if (config.argv.empty()) return invalid_argument("no program to run");
  return config;
}

Result<Fd> listen_on(const sockaddr* address, socklen_t size) {
  Fd socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return errno_error("make the relay's socket", errno);
  int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->sa_family == AF_INET6)
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), address, size) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return errno_error("listen for the relay", errno);
  return socket;
}

Result<Fd> listen_v4(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

Result<Fd> listen_v6(uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  return listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// The relay's sockets belong to the sandbox's network; the supervisor outside accepts on them.
Result<void> open_relay(Config& config) {
  Fd v4 = TRY(listen_v4(config.namespaces ? kRelayPort : 0));
  if (config.namespaces) {
    Result<Fd> v6 = listen_v6(kRelayPort);  // absent where IPv6 is switched off
    if (!v6.ok()) return send_control(kControlFd, "listening", "", {v4.get()});
    return send_control(kControlFd, "listening", "", {v4.get(), v6->get()});
  }
  config.files.connect_port = port_of(v4.get());
  std::string proxy = cat({"http://127.0.0.1:", std::to_string(config.files.connect_port)});
  std::erase_if(config.environment, [](const std::string& line) {
    return istarts_with(line, "no_proxy=") || istarts_with(line, "https_proxy=");
  });
  config.environment.push_back("HTTPS_PROXY=" + proxy);
  config.environment.push_back("https_proxy=" + proxy);
  return send_control(kControlFd, "listening", "", {v4.get()});
}

// Between fork and exec of the command. Does not return unless something is refused.
Error become_command(const Config& config) {
  ::setsid();
  ::umask(022);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  limit_resources(config.memory_bytes_max);
  ::clearenv();
  for (const std::string& line : config.environment) {
    size_t equals = line.find('=');
    ::setenv(line.substr(0, equals).c_str(), line.c_str() + equals + 1, 1);
  }
  if (config.landlock) {
    Result<void> restricted = restrict_files(config.files);
    if (!restricted.ok()) return restricted.error();
  }
  const std::string& folder = config.working_directory;
  if (!folder.empty() && ::chdir(folder.c_str()) != 0)
    return errno_error(cat({"enter the working directory ", folder}), errno);
  Result<void> restricted =
      restrict_system_calls(config.namespaces ? Datagrams::kAllowed : Datagrams::kRefused);
  if (!restricted.ok()) return restricted.error();
  std::vector<char*> argv;
  for (const std::string& word : config.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  Error error = errno_error(cat({"cannot run '", config.argv[0], "'"}), errno);
  if (errno == ENOENT) error.code = Code::kNotFound;
  return error;
}

// The command's process number; or why it could not be run.
Result<pid_t> start_command(const Config& config) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid == 0) {
    Error error = become_command(config);
    std::string text = cat({error.code == Code::kNotFound ? "n" : "r", error.message});
    (void)proc::write_all(writer.get(), text);
    ::_exit(kCannotRun);
  }
  writer.reset();
  std::string failure = TRY(proc::read_all(reader.get()));  // closed by the exec
  if (failure.empty()) return pid;
  return failure[0] == 'n' ? not_found(failure.substr(1)) : internal_error(failure.substr(1));
}

void report(int status) {
  if (WIFSIGNALED(status))
    (void)send_control(kControlFd, "signaled", std::to_string(WTERMSIG(status)));
  else
    (void)send_control(kControlFd, "exited", std::to_string(WEXITSTATUS(status)));
}

// Reaps whatever ends; true once the command itself has, and its end is told.
bool reap(pid_t command) {
  for (;;) {
    int status = 0;
    pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return false;
    if (pid != command) continue;
    report(status);
    return true;
  }
}

void terminate(const Config& config) {
  if (config.namespaces)
    ::kill(-1, SIGTERM);  // everything in our pid namespace but ourselves
  else
    signal_descendants(::getpid(), SIGTERM);
}

// Until the command ends or the supervisor is gone.
void watch_command(const Config& config, pid_t command, int signals) {
  for (;;) {
    pollfd entries[2] = {{signals, POLLIN, 0}, {kControlFd, POLLIN, 0}};
    ::poll(entries, 2, -1);
    if (entries[0].revents != 0) {
      signalfd_siginfo info;
      (void)!::read(signals, &info, sizeof info);
      if (reap(command)) return;
    }
    if (entries[1].revents == 0) continue;
    std::optional<ControlMessage> message = receive_control(kControlFd);
    if (!message) return;
    if (message->word == "terminate") terminate(config);
  }
}

Result<void> run_command(Config& config, int signals) {
  TRY(open_relay(config));
  TRY(drop_privileges());
  pid_t command = TRY(start_command(config));
  TRY(send_control(kControlFd, "started"));
  watch_command(config, command, signals);
  return success();
}

}  // namespace

int sandbox_init() {
  for (int fd : {kControlFd, kConfigFd, kSecretFd}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  // The kernel ends a pid namespace with its first process. Without one we end it ourselves, when
  // the supervisor's end of the control socket closes.
  if (::getpid() == 1) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t watched;
  ::sigemptyset(&watched);
  ::sigaddset(&watched, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &watched, nullptr);
  Fd signals(::signalfd(-1, &watched, SFD_CLOEXEC));
  Result<Config> config = read_config();
  Result<void> ran = config.ok() ? run_command(*config, signals.get()) : config.error();
  if (::getpid() != 1) end_descendants(::getpid());
  if (ran.ok()) return 0;
  bool absent = ran.error().code == Code::kNotFound;
  (void)send_control(kControlFd, absent ? "absent" : "failed", ran.error().message);
  return absent ? kAbsent : kCannotRun;
}

}  // namespace lazuli::compute
