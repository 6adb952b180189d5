// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace lazuli::compute {

struct Mount {
  std::string source;  // on this machine, absolute
  // Inside the sandbox; empty: the same path. Where namespaces are refused nothing can be mounted
  // elsewhere and a process with another target does not start: leave it empty to run anywhere.
  std::string target;
  bool writable = false;
};

// One process to run in a sandbox. Everything a restarted server needs is kept in files below the
// engine's folder, so the process, its logs and its end survive the server.
//
// It sees the system's programs and libraries, a private /tmp and its mounts, nothing else, and can
// write to the last two only. Its one network peer is the relay: TLS to port 443 of a host name
// reaches the server. Where namespaces are refused, HTTPS_PROXY is set for it to the same end.
// Unless given, PATH, HOME (/tmp), LANG and TMPDIR are set, and telemetry is switched off.
struct ProcessSpec {
  std::string id;  // the caller's idempotency key: up to 120 bytes
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // nothing of the server's is inherited
  SecretString secret_environment;  // NAME=value lines added to it; kept only in a 0600 file
  std::string working_directory;    // inside the sandbox
  std::vector<Mount> mounts;
  std::vector<std::string> host_names;  // answered by the relay: they resolve to loopback inside
  Duration timeout{0};                  // 0: none
  Duration grace = std::chrono::seconds(10);  // between SIGTERM and SIGKILL
  uint64_t memory_bytes_max = 0;              // 0: none
};

enum class ProcessState { kStarting, kRunning, kExited, kSignaled, kTimedOut, kCanceled, kLost };

struct ProcessStatus {
  std::string id;
  ProcessState state = ProcessState::kStarting;
  int exit_code = 0;  // or the signal's number
  std::string error;  // why it could not start (then kExited, 125 to 127), in words for the user
  Timestamp started{}, ended{};
};

class ExitListener {
 public:
  virtual ~ExitListener() = default;
  // Once per process and server life, on an engine thread, after its status is on disk. Told again
  // after a restart until forget() is called.
  virtual void on_exit(const ProcessStatus& status) = 0;
};

struct Options {
  std::string folder;        // below the data directory; 0700
  std::string executable;    // this binary; run as `executable supervise FOLDER`
  std::string relay_socket;  // where the supervisor's relay connects to, anew each time
  // As on machines that refuse them; $LAZULI_WITHOUT_NAMESPACES does the same.
  bool without_namespaces = false;
};

// Starts, watches, logs, limits and ends processes. Each has a small supervisor of its own that
// outlives the server, writes stdout and stderr to `log_path`, and fsyncs the exit status.
// Thread-safe.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(Options options);
  virtual ~Engine() = default;
  virtual void set_listener(ExitListener& listener) = 0;
  // Adopts what a former server left running or ended.
  virtual Result<void> start() = 0;
  virtual void stop() noexcept = 0;  // stops watching; processes go on

  // Starts the process unless one of that id was ever submitted (then nothing happens).
  virtual Result<void> submit(ProcessSpec spec) = 0;
  virtual Result<ProcessStatus> status(const std::string& id) = 0;
  virtual void cancel(const std::string& id) = 0;  // SIGTERM to all, SIGKILL after the grace
  // The file that stdout and stderr are appended to, in order.
  virtual std::string log_path(const std::string& id) const = 0;
  // Wipes the process's folder, its log included: its end has been dealt with. The id is free
  // again. kConflict while it runs.
  virtual Result<void> forget(const std::string& id) = 0;
  // How processes are confined here ("bubblewrap", "landlock+seccomp"), for `status` and job logs.
  virtual std::string isolation() const = 0;
};

// The supervisor's main, run in its own process by `lazuli supervise FOLDER`.
int supervise(const std::string& folder);
// PID 1 inside the sandbox, run by the supervisor as `lazuli sandbox-init`: opens the relay's
// listening sockets, confines itself and runs the command.
int sandbox_init();

}  // namespace lazuli::compute
