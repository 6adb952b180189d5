// SPDX-License-Identifier: Apache-2.0
#include "cli/sign_in.h"

#include <thread>

#include "base/ids.h"
#include "base/strings.h"
#include "cli/redirect.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "crypto/x509.h"

namespace lazuli::cli {
namespace {

constexpr auto kSpare = std::chrono::minutes(2);  // a token this close to its end is renewed
constexpr auto kBrowserMax = std::chrono::minutes(5);
constexpr std::string_view kScopes = " openid profile offline_access";

Error refusal(const Json& answer) {
  return unauthenticated(answer["error_description"].text(), answer["error"].text());
}

}  // namespace

Result<Json> SignIn::post(const std::string& tenant, std::string_view path, Form form) {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = cat({login_url_, "/", tenant, "/oauth2/v2.0/", path});
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  QueryItems items(form.begin(), form.end());
  request.body = dump_form(items);
  const auto response = http_.send(request);
  wipe(request.body.data(), request.body.size());
  if (!response.ok()) return response.error();
  const auto json = Json::parse(response->text());
  if (!json.ok())
    return internal_error(cat({"the token service answered ", std::to_string(response->status)}));
  if (response->status != 200) return refusal(*json);
  return *json;
}

Result<SignIn::Token> SignIn::token(Account& account, const std::string& audience) {
  if (auto cached = account.tokens.find(audience); cached != account.tokens.end())
    if (cached->second.expires > now() + kSpare) return Token{cached->second.token.clone(), false};
  Form form = TRY(grant_of(account));
  form.emplace_back(
      "scope", cat({audience, "/.default", account.kind == Account::Kind::kUser ? kScopes : ""}));
  const Json answer = TRY(post(account.tenant, "token", std::move(form)));
  keep(account, audience, answer);
  return Token{account.tokens[audience].token.clone(), true};
}

Result<Form> SignIn::grant_of(const Account& account) const {
  Form form{{"client_id", account.client_id}};
  switch (account.kind) {
    case Account::Kind::kUser:
      if (account.refresh_token.empty())
        return unauthenticated("the sign-in has ended; use `lazuli login`");
      form.emplace_back("grant_type", "refresh_token");
      form.emplace_back("refresh_token", account.refresh_token.expose());
      break;
    case Account::Kind::kSecret:
      form.emplace_back("grant_type", "client_credentials");
      form.emplace_back("client_secret", account.secret.expose());
      break;
    case Account::Kind::kCertificate:
      form.emplace_back("grant_type", "client_credentials");
      form.emplace_back("client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
      form.emplace_back("client_assertion", TRY(assertion(account)));
      break;
  }
  return form;
}

// learn.microsoft.com/entra/identity-platform/certificate-credentials
Result<std::string> SignIn::assertion(const Account& account) const {
  const auto key = TRY(crypto::PrivateKey::from_pem(account.certificate));
  const auto certificate = TRY(crypto::inspect_certificate(account.certificate.expose()));
  const int64_t time = to_micros(now()) / 1000000;
  const Json header = Json::object(
      {{"alg", "RS256"}, {"typ", "JWT"}, {"x5t#S256", to_base64url(certificate.sha256)}});
  const Json claims =
      Json::object({{"aud", cat({login_url_, "/", account.tenant, "/oauth2/v2.0/token"})},
                    {"iss", account.client_id},
                    {"sub", account.client_id},
                    {"jti", new_uuid()},
                    {"nbf", time},
                    {"iat", time},
                    {"exp", time + 600}});
  const std::string text = cat({to_base64url(header.dump()), ".", to_base64url(claims.dump())});
  return cat({text, ".", to_base64url(key.sign(text))});
}

void SignIn::keep(Account& account, const std::string& audience, const Json& answer) const {
  account.tokens[audience] = {SecretString(answer["access_token"].str()),
                              now() + std::chrono::seconds(answer["expires_in"].integer())};
  if (const std::string_view fresh = answer["refresh_token"].str(); !fresh.empty())
    account.refresh_token = SecretString(fresh);
}

// RFC 8628.
Result<Account> SignIn::with_device_code(const std::string& tenant, const std::string& audience,
                                         const std::function<void(const std::string&)>& tell) {
  const std::string scope = cat({audience, "/.default", kScopes});
  const std::string app(kCliApp);
  const Json code = TRY(post(tenant, "devicecode", {{"client_id", app}, {"scope", scope}}));
  const std::string message = code["message"].text();
  tell(!message.empty() ? message
                        : cat({"Open ", code["verification_uri"].text(), " and enter the code ",
                               code["user_code"].text()}));
  auto pause = std::chrono::seconds(std::max<int64_t>(code["interval"].integer(5), 1));
  const auto deadline = SteadyClock::now() + std::chrono::seconds(code["expires_in"].integer(900));
  while (SteadyClock::now() < deadline) {
    std::this_thread::sleep_for(pause);
    auto answer = post(tenant, "token",
                       {{"client_id", app},
                        {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                        {"device_code", code["device_code"].text()}});
    if (answer.ok()) {
      Account account{.tenant = tenant, .client_id = app};
      keep(account, audience, *answer);
      return account;
    }
    const std::string& reason = answer.error().wire_code;
    if (reason == "slow_down") pause += std::chrono::seconds(5);
    if (reason != "slow_down" && reason != "authorization_pending") return answer.error();
  }
  return deadline_exceeded("nobody entered the code in time");
}

// RFC 8252 with PKCE (RFC 7636).
Result<Account> SignIn::with_browser(const std::string& tenant, const std::string& audience,
                                     const std::function<void(const std::string&)>& open) {
  const std::string app(kCliApp), state(crypto::random_password(32).expose());
  auto redirect = TRY(Redirect::listen(state));
  const SecretString verifier = crypto::random_password(64);
  const std::string challenge = to_base64url(crypto::sha256(verifier.expose()));
  const QueryItems query{{"client_id", app},
                         {"response_type", "code"},
                         {"redirect_uri", redirect->uri()},
                         {"scope", cat({audience, "/.default", kScopes})},
                         {"state", state},
                         {"code_challenge", challenge},
                         {"code_challenge_method", "S256"},
                         {"response_mode", "query"}};
  open(cat({login_url_, "/", tenant, "/oauth2/v2.0/authorize?", dump_form(query)}));
  const std::string code = TRY(redirect->wait_for_code(kBrowserMax));
  const Json answer = TRY(post(tenant, "token",
                               {{"client_id", app},
                                {"grant_type", "authorization_code"},
                                {"code", code},
                                {"redirect_uri", redirect->uri()},
                                {"code_verifier", std::string(verifier.expose())}}));
  Account account{.tenant = tenant, .client_id = app};
  keep(account, audience, answer);
  return account;
}

Result<Json> claims_of(const SecretString& token) {
  const auto parts = split(token.expose(), '.');
  if (parts.size() != 3) return invalid_argument("the token is not a JWT");
  return Json::parse(TRY(from_base64url(parts[1])));
}

}  // namespace lazuli::cli
