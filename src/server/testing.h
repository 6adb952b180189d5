// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/json.h"
#include "core/vault.h"
#include "server/certificates.h"
#include "server/house.h"
#include "server/installation.h"

// For tests only: a whole server but for its sockets. Floors, engines, services and the chain are
// the real ones, in a temporary folder.
namespace lazuli::server::testing {

// Who calls: nobody, the first service principal, or a job's processes, which may use MLflow alone.
enum class Caller { kNobody, kAdministrator, kMlflow };

struct Call {
  http::Method method = http::Method::kGet;
  std::string host = "management";  // the name before the domain; empty: the bare address
  std::string target;               // "/path?query"
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  Caller caller = Caller::kAdministrator;
  std::string principal;  // set: the service principal of that name calls, not `caller`
  std::vector<core::Grant> grants = {};  // what its token is limited to; empty: all it may do
  std::string peer = "127.0.0.1";        // "unix:PID" is a job's relay
};

// An answer with its whole body.
struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
  Json json() const { return Json::parse(body).value_or(Json()); }
};

class WholeServer {
 public:
  explicit WholeServer(House::Options options = {});
  ~WholeServer();
  WholeServer(const WholeServer&) = delete;
  WholeServer& operator=(const WholeServer&) = delete;

  Result<void> start();
  void stop();
  Answer call(const Call& call);

  // The short forms of what most tests do, as the administrator.
  Answer get(const std::string& target) { return call({.target = target}); }
  Answer put(const std::string& target, const Json& body) {
    return call({.method = http::Method::kPut, .target = target, .body = body.dump()});
  }
  Answer put_blob(const std::string& path, std::string content);
  Answer get_blob(const std::string& path);
  // The object id of a service principal, made if absent.
  std::string object_id(const std::string& principal);

  const std::string& folder() const { return folder_; }
  const core::Installation& installation() const { return *installation_; }
  // "/subscriptions/…/workspaces/main", and its account's host.
  std::string workspace() const;
  std::string blob_host() const { return installation_->storage_account + ".blob.core"; }

 private:
  std::string token(const Call& call);
  std::string administrator_token(const std::string& audience);

  const std::string folder_;
  House::Options options_;
  std::unique_ptr<DataDir> data_dir_;
  std::unique_ptr<core::Installation> installation_;
  SecretBytes root_key_;
  std::unique_ptr<core::Vault> vault_;
  std::unique_ptr<House> house_;
  std::map<std::string, std::string> tokens_;  // by audience
};

}  // namespace lazuli::server::testing
