// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "cli/account.h"
#include "cli/sign_in.h"
#include "codec/json.h"
#include "http/client.h"
#include "server/installation.h"

namespace lazuli::cli {

// The command line's way to a running server: Azure's own API, as whoever signed in, else as the
// data directory's administrator. One call at a time.
class ApiClient {
 public:
  // kUnavailable with advice when no server answers.
  static Result<std::unique_ptr<ApiClient>> connect(const std::string& data_dir);

  const server::ServerFile& server() const { return server_; }
  const core::Installation& installation() const { return installation_; }
  // Of the administrator.
  const std::string& client_id() const { return administrator_.client_id; }
  const SecretString& client_secret() const { return administrator_.secret; }
  bool has_account() const { return account_.has_value(); }
  SignIn& sign_in() { return *sign_in_; }
  Result<SecretString> token(const std::string& audience);
  // Keeps who has signed in, for this and later commands.
  Result<void> act_as(Account account);
  std::string workspace_id() const;
  std::string url(std::string_view host_prefix, std::string_view path) const;

  struct Call {
    http::Method method = http::Method::kGet;
    std::string host = "management";
    std::string path;  // with query
    Json body;         // null: none
    std::string raw_body;
    http::Headers headers;
  };
  // A success status, or the error the server's body tells.
  Result<http::Response> send(const Call& call);
  Result<Json> get(std::string path);
  // Microsoft Graph; an empty object where it answers without one.
  Result<Json> graph(http::Method method, std::string path, Json body = {});
  // All pages of a list: what their `value`s hold.
  Result<Json> list(std::string path);
  // The same of Microsoft Graph.
  Result<Json> list_graph(std::string path);
  Result<Json> put(std::string path, Json body);  // waits for a long-running operation's end
  Result<Json> post(std::string path, Json body = Json::object());
  Result<void> remove(std::string path);
  Result<Json> health();
  // To the server itself, without a credential.
  Result<Json> plain_post(std::string_view path, const Json& body);

  // The content behind an address that carries its own credential (a SAS).
  Result<std::string> fetch(std::string_view url);
  // Scores a body with an endpoint's key; any status is a success here.
  Result<http::Response> score(std::string_view scoring_uri, const SecretString& key,
                               std::string body);

  // Uploads a local file as a block blob (in blocks when it is large).
  Result<void> upload(const std::string& account, const std::string& container,
                      const std::string& name, const std::string& file);

 private:
  ApiClient() = default;
  Result<void> open(const std::string& data_dir);
  Result<void> wait_for(const http::Response& response);
  Result<Json> list_pages(Call call, std::string_view next_name);
  Result<http::Response> send_blob(const std::string& account, std::string path,
                                   std::string content, const http::Headers& headers);

  core::Installation installation_;
  server::ServerFile server_;
  std::unique_ptr<http::Client> http_;
  std::string data_dir_;
  std::unique_ptr<SignIn> sign_in_;
  Account administrator_;
  std::optional<Account> account_;  // of login.json
};

// Asks the running server and shows what it answers: JSON for programs, else as `print` does. The
// exit status.
int ask_and_show(const std::string& data_dir, bool json,
                 const std::function<Result<Json>(ApiClient&)>& ask,
                 const std::function<void(const Json&)>& print);

}  // namespace lazuli::cli
