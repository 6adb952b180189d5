// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/service.h"

namespace lazuli::server {

// Version of everything below the data directory. A newer one is refused.
inline constexpr int kDataFormat = 1;

// The data directory, held by one server at a time. Made (0700) at the first start.
class DataDir {
 public:
  // Locks it; kConflict names the process that holds it.
  static Result<DataDir> open(const std::string& path);
  ~DataDir();
  DataDir(DataDir&& other) noexcept;
  const std::string& path() const { return path_; }

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

// Reads DIR/installation.json, or makes it with new ids. `domain` overrides the stored one when not
// empty.
Result<core::Installation> load_installation(const DataDir& dir, const std::string& domain);

// Reads what a server made; kNotFound before the first start.
Result<core::Installation> read_installation(const std::string& data_dir);

// Where the CLI finds a running server: DIR/server.json, there while it runs.
struct ServerFile {
  int pid = 0;
  std::string address;  // "127.0.0.1:8443"
  uint16_t port = 0;
  std::string domain;
};
Result<void> write_server_file(const std::string& data_dir, const ServerFile& file);
// kNotFound when no server runs; a file left by a dead one counts as none.
Result<ServerFile> read_server_file(const std::string& data_dir);
void remove_server_file(const std::string& data_dir);

// $LAZULI_DATA, else ~/.lazuli; `flag` wins when not empty.
std::string default_data_dir(const std::string& flag);

}  // namespace lazuli::server
