// SPDX-License-Identifier: Apache-2.0
#include "cli/server_commands.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <thread>

#include "base/files.h"
#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/setup_command.h"
#include "proc/files.h"

namespace lazuli::cli {
namespace {

constexpr auto kStartMax = std::chrono::seconds(60);
constexpr auto kStopMax = std::chrono::seconds(40);
constexpr auto kPause = std::chrono::milliseconds(20);

std::vector<std::string> serve_arguments(const server::ServeOptions& options) {
  std::vector<std::string> arguments = {"lazuli", "serve", "--data", options.data_dir};
  auto add = [&](std::string_view flag, const std::string& value) {
    if (value.empty()) return;
    arguments.emplace_back(flag);
    arguments.push_back(value);
  };
  add("--listen", options.listen);
  add("--domain", options.domain);
  if (options.port) add("--port", std::to_string(*options.port));
  add("--database", options.database_url);
  add("--bytes", options.bytes_url);
  add("--audit-days", std::to_string(options.audit_days));
  for (const std::string& network : options.egress_networks) add("--allow-egress", network);
  return arguments;
}

// The server's process: a session of its own, its output in the log.
Result<pid_t> spawn_server(const server::ServeOptions& options, const std::string& log) {
  std::vector<std::string> arguments = serve_arguments(options);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid > 0) return pid;
  ::setsid();
  int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

std::string last_lines(const std::string& file, size_t count) {
  std::string text = read_file(file).value_or("");
  size_t at = text.size();
  for (size_t lines = 0; at > 0 && lines <= count; --at)
    if (text[at - 1] == '\n' && ++lines > count) break;
  return text.substr(at);
}

Result<Json> health_of(const std::string& data_dir) {
  return TRY(ApiClient::connect(data_dir))->health();
}

// A server holds its folder's lock for as long as it lives; the number in its file may be another
// process's by now.
bool is_locked(const std::string& data_dir) {
  auto lock = proc::try_lock_file(data_dir + "/lock");
  return lock.ok() && !lock->valid();
}

}  // namespace

int fail(const Error& error) {
  std::fprintf(stderr, "lazuli: %s\n", error.message.c_str());
  return error.code == Code::kUnavailable ? kNoServer : kFailure;
}

int up(const server::ServeOptions& options) {
  if (health_of(options.data_dir).ok()) {
    std::printf("already running\n");
    return status(options.data_dir, false);
  }
  if (auto made = make_folder(options.data_dir); !made.ok()) return fail(made.error());
  std::string log = options.data_dir + "/server.log";
  Result<pid_t> pid = spawn_server(options, log);
  if (!pid.ok()) return fail(pid.error());
  auto deadline = SteadyClock::now() + kStartMax;
  while (SteadyClock::now() < deadline) {
    if (health_of(options.data_dir).ok()) {
      int state = status(options.data_dir, false);
      std::string hint = setup_hint(options.data_dir);
      if (!hint.empty()) std::printf("%s\n", hint.c_str());
      return state;
    }
    int ended = 0;
    if (::waitpid(*pid, &ended, WNOHANG) == *pid)
      return fail(internal_error(
          cat({"the server did not start. Last lines of ", log, ":\n", last_lines(log, 5)})));
    std::this_thread::sleep_for(kPause);
  }
  return fail(deadline_exceeded(cat({"the server is not ready after a minute; see ", log})));
}

int down(const std::string& data_dir) {
  Result<server::ServerFile> file = server::read_server_file(data_dir);
  if (!file.ok() || !is_locked(data_dir)) {
    std::printf("not running\n");
    return kSuccess;
  }
  if (::kill(file->pid, SIGTERM) != 0) return fail(errno_error("stop the server", errno));
  auto deadline = SteadyClock::now() + kStopMax;
  while (is_locked(data_dir)) {
    if (SteadyClock::now() > deadline)
      return fail(deadline_exceeded(cat({"the server (pid ", std::to_string(file->pid),
                                         ") has not stopped; it may still finish requests"})));
    std::this_thread::sleep_for(kPause);
  }
  std::printf("stopped\n");
  return kSuccess;
}

int status(const std::string& data_dir, bool json) {
  auto client = ApiClient::connect(data_dir);
  if (!client.ok()) return fail(client.error());
  Result<Json> health = (*client)->health();
  if (!health.ok()) return fail(health.error());
  const server::ServerFile& file = (*client)->server();
  Json all = *health;
  all.set("pid", file.pid).set("address", file.address).set("data", data_dir);
  all.set("url", (*client)->url("management", "/"));
  if (json) {
    std::printf("%s", all.dump_pretty().c_str());
    return kSuccess;
  }
  std::printf("Lazuli is %s: %s (listening on %s, pid %d)\n", all["status"].text().c_str(),
              all["url"].text().c_str(), file.address.c_str(), file.pid);
  std::printf("data       %s\njobs run   %s\n", data_dir.c_str(), all["isolation"].text().c_str());
  return kSuccess;
}

}  // namespace lazuli::cli
