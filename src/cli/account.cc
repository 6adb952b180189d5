// SPDX-License-Identifier: Apache-2.0
#include "cli/account.h"

#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "codec/json.h"

namespace lazuli::cli {
namespace {

std::string path_of(const std::string& data_dir) { return data_dir + "/login.json"; }

std::string_view to_string(Account::Kind kind) {
  switch (kind) {
    case Account::Kind::kUser:
      return "user";
    case Account::Kind::kSecret:
      return "secret";
    case Account::Kind::kCertificate:
      return "certificate";
  }
  return "";
}

}  // namespace

Result<std::optional<Account>> load_account(const std::string& data_dir) {
  if (!file_exists(path_of(data_dir))) return std::optional<Account>();
  const Json json = TRY(Json::parse(TRY(read_file(path_of(data_dir)))));
  Account account;
  for (Account::Kind kind :
       {Account::Kind::kUser, Account::Kind::kSecret, Account::Kind::kCertificate})
    if (json["kind"].str() == to_string(kind)) account.kind = kind;
  account.tenant = json["tenant"].text();
  account.client_id = json["clientId"].text();
  account.secret = SecretString(json["secret"].str());
  account.certificate = SecretString(json["certificate"].str());
  account.refresh_token = SecretString(json["refreshToken"].str());
  for (const auto& [audience, cached] : json["tokens"].members())
    account.tokens[audience] = {SecretString(cached["token"].str()),
                                from_micros(cached["expires"].integer() * 1000000)};
  return std::optional<Account>(std::move(account));
}

Result<void> save_account(const std::string& data_dir, const Account& account) {
  Json tokens = Json::object();
  for (const auto& [audience, cached] : account.tokens)
    tokens.set(audience, Json::object({{"token", cached.token.expose()},
                                       {"expires", to_micros(cached.expires) / 1000000}}));
  Json json = Json::object({{"kind", to_string(account.kind)},
                            {"tenant", account.tenant},
                            {"clientId", account.client_id}});
  auto add = [&](const char* name, const SecretString& secret) {
    if (!secret.empty()) json.set(name, secret.expose());
  };
  add("secret", account.secret);
  add("certificate", account.certificate);
  add("refreshToken", account.refresh_token);
  json.set("tokens", std::move(tokens));
  std::string text = json.dump_pretty();
  auto written = write_file_durably(path_of(data_dir), text, 0600);
  wipe(text.data(), text.size());
  return written;
}

Result<bool> forget_account(const std::string& data_dir) {
  if (::unlink(path_of(data_dir).c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return errno_error("remove " + path_of(data_dir), errno);
}

}  // namespace lazuli::cli
