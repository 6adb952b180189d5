// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "engines/compute/compute.h"

namespace lazuli::compute {

// How a process can be confined on this machine.
struct Isolation {
  enum class Kind { kBubblewrap, kLandlock, kSeccomp };
  Kind kind = Kind::kSeccomp;
  std::string bwrap;            // the program, for kBubblewrap
  bool user_namespace = false;  // it needs one of its own to make the other namespaces

  bool namespaces() const { return kind == Kind::kBubblewrap; }
  std::string name() const;
};

// What a supervisor finds in its folder: all it needs to run the process without a server.
struct Launch {
  ProcessSpec spec;  // without the secret environment
  Isolation isolation;
  std::string executable;
  std::string relay_socket;
};

Json to_json(const Launch& launch);
Result<Launch> launch_from_json(const Json& json);
Json to_json(const ProcessStatus& status);
Result<ProcessStatus> status_from_json(const Json& json);

// Refuses what could not run or would reach out of the sandbox's rules.
Result<void> validate(const ProcessSpec& spec, const Isolation& isolation);

// The files of one process.
class ProcessFolder {
 public:
  explicit ProcessFolder(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }
  std::string launch() const { return path_ + "/launch.json"; }  // durable before submit answers
  std::string secret() const { return path_ + "/secret.env"; }   // removed once it was read
  std::string lock() const { return path_ + "/lock"; }           // held while a supervisor lives
  // The supervisor's pid; durable before the command starts, so that it never starts twice.
  std::string begun() const { return path_ + "/begun"; }
  std::string running() const { return path_ + "/running.json"; }
  std::string end() const { return path_ + "/end.json"; }  // durable: how it ended
  std::string log() const { return path_ + "/log"; }
  std::string supervisor_log() const { return path_ + "/supervisor.log"; }
  std::string temporary() const { return path_ + "/tmp"; }  // the process's /tmp

  Result<Launch> read_launch() const;
  Result<ProcessStatus> read_end() const;
  // The end as far as it is known, else what the supervisor has got to.
  Result<ProcessStatus> progress(const std::string& id) const;
  Result<void> write_end(const ProcessStatus& status) const;

 private:
  std::string path_;
};

// A file name for any id: letters, digits, '-', '_' and inner '.' stay, the rest becomes %XX.
std::string folder_name(const std::string& id);

}  // namespace lazuli::compute
