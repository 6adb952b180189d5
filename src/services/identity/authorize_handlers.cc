// SPDX-License-Identifier: Apache-2.0
// The authorization endpoint.
// Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
#include "base/strings.h"
#include "crypto/random.h"
#include "services/identity/client_apps.h"
#include "services/identity/login_handlers.h"
#include "services/identity/token_grants.h"

namespace lazuli::identity {
namespace {

constexpr Duration kCodeLife = std::chrono::minutes(5);
constexpr size_t kTextMax = 2048;

// What is wrong here must not be sent to the redirect: it is not known to be the client's.
Result<ClientApp> check_client(const LoginParts& parts, const Fields& query) {
  auto app = TRY(find_client_app(parts.token.directory, to_lower(query["client_id"])));
  if (!app)
    return oauth("unauthorized_client", 700016,
                 cat({"Application with identifier '", query["client_id"].substr(0, 64),
                      "' was not found in the directory."}));
  if (!may_redirect(*app, query["redirect_uri"]))
    return oauth("invalid_request", 50011,
                 cat({"The redirect URI '", query["redirect_uri"].substr(0, 200),
                      "' specified in the request does not match the redirect URIs configured for "
                      "the application '",
                      app->name, "'."}));
  return std::move(*app);
}

Result<void> check_request(const LoginParts& parts, const ClientApp& app, const Fields& query) {
  if (query["response_type"] != "code")
    return oauth("unsupported_response_type", 700051, "The response_type must be 'code'.");
  const std::string& mode = query["response_mode"];
  if (!mode.empty() && mode != "query" && mode != "fragment" && mode != "form_post")
    return oauth("invalid_request", 90023, "The response_mode is not supported.");
  bool has_challenge = query.has("code_challenge");
  if (has_challenge &&
      (query["code_challenge_method"] != "S256" || query["code_challenge"].size() != 43))
    return oauth("invalid_request", 501491, "The code_challenge must be made with S256.");
  if (!has_challenge && app.is_public)
    return oauth("invalid_request", 9002325,
                 "Proof Key for Code Exchange is required for public clients: send a "
                 "code_challenge made with S256.");
  for (std::string_view name : {"state", "nonce", "scope", "login_hint", "resource"})
    if (query[name].size() > kTextMax)
      return oauth("invalid_request", 90023, cat({"The parameter '", name, "' is too long."}));
  TRY(parse_asked(parts.token.installation, parts.token.directory,
                  {query["scope"], query["resource"], app.app_id}));
  return {};
}

Errand errand_of(const ClientApp& app, const Fields& query) {
  Errand errand;
  errand.app_id = app.app_id;
  errand.app_name = app.name;
  errand.redirect_uri = query["redirect_uri"];
  errand.response_mode = query.has("response_mode") ? query["response_mode"] : "query";
  errand.scopes = query["scope"];
  if (errand.scopes.empty()) errand.scopes = query["resource"] + "/.default openid offline_access";
  errand.state = query["state"];
  errand.nonce = query["nonce"];
  errand.challenge = query["code_challenge"];
  errand.prompt = query["prompt"];
  errand.login_hint = query["login_hint"];
  errand.wants_client_info = query["client_info"] == "1";
  return errand;
}

http::Response refuse_client(const Errand& errand, const Error& error) {
  return answer_client(errand, {{"error", error.wire_code}, {"error_description", error.message}});
}

Answer show_chooser(const LoginParts& parts, const Context& context, const Errand& errand,
                    const directory::Principal& person) {
  BrowserGuard::FormToken token = parts.browser.form_token(context);
  http::Response response =
      chooser_page({parts.browser.carry(token, errand), errand.app_name, person.name, person.upn});
  BrowserGuard::put(token, response);
  allow_form_target(response, errand.redirect_uri);
  return response;
}

// A sign-in of the browser counts unless the request wants a fresh one.
Answer begin(const LoginParts& parts, const Context& context, const Errand& errand) {
  std::optional<Browser> browser = TRY(parts.browser.signed_in(context));
  std::optional<directory::Principal> person;
  if (browser) {
    auto known = parts.token.sessions.check_person(browser->proof);
    if (known.ok()) person = std::move(*known);
  }
  if (errand.prompt == "none") {
    if (person) return proceed(parts, context, errand, browser->proof);
    return refuse_client(errand, oauth("login_required", 50058,
                                       "Nobody is signed in, and the request forbids to ask."));
  }
  if (!person || errand.prompt == "login") return show_login(parts, context, errand, {});
  if (errand.prompt == "select_account") return show_chooser(parts, context, errand, *person);
  return proceed(parts, context, errand, browser->proof);
}

std::string client_info(const LoginParts& parts, const Proof& proof) {
  return to_base64url(
      Json::object({{"uid", proof.object_id}, {"utid", parts.token.installation.tenant_id}})
          .dump());
}

}  // namespace

http::Response error_page(const Error& error) {
  return message_page(
      {http_status(error.code) < 500 ? 400 : 500, "That did not work", error.message});
}

http::Response answer_client(const Errand& errand, QueryItems fields) {
  if (!errand.state.empty()) fields.emplace_back("state", errand.state);
  if (errand.response_mode == "form_post") return form_post_page({errand.redirect_uri, fields});
  char separator = errand.response_mode == "fragment"                   ? '#'
                   : errand.redirect_uri.find('?') != std::string::npos ? '&'
                                                                        : '?';
  http::Response response(303);
  response.header("Location",
                  cat({errand.redirect_uri, std::string_view(&separator, 1), dump_form(fields)}));
  response.header("Cache-Control", "no-store").header("Referrer-Policy", "no-referrer");
  return response;
}

// 1. The client and where it may be answered; 2. the rest of the request; 3. who is there?
Answer get_authorize(const LoginParts& parts, Context& context) {
  if (auto tenant = check_tenant(parts.token.installation, context); !tenant.ok())
    return error_page(tenant.error());
  Fields query = TRY(Fields::of_query(context));
  auto app = check_client(parts, query);
  if (!app.ok()) return error_page(app.error());
  Errand errand = errand_of(*app, query);
  if (auto request = check_request(parts, *app, query); !request.ok()) {
    if (errand.response_mode != "fragment" && errand.response_mode != "form_post")
      errand.response_mode = "query";
    return refuse_client(errand, request.error());
  }
  return begin(parts, context, errand);
}

Answer post_continue(const LoginParts& parts, Context& context) {
  Fields form = TRY(Fields::of_form(context));
  auto errand = parts.browser.errand(context, form);
  if (!errand.ok()) return error_page(errand.error());
  std::optional<Browser> browser = TRY(parts.browser.signed_in(context));
  bool good = form["action"] == "continue" && errand->prompt != "login" && browser &&
              parts.token.sessions.check_person(browser->proof).ok();
  if (!good) return show_login(parts, context, *errand, {});
  return proceed(parts, context, *errand, browser->proof);
}

// RFC 6749 §4.1.2.
Answer issue_code(const LoginParts& parts, const Errand& errand, const Proof& proof) {
  std::string code = to_base64url(crypto::random_bytes(32));
  AuthorizationCode stored{hash_code(code),
                           errand.app_id,
                           errand.redirect_uri,
                           errand.challenge,
                           errand.scopes,
                           errand.nonce,
                           proof,
                           now() + kCodeLife,
                           {}};
  TRY(parts.token.handle.write([&](db::Tx& tx) { return SessionStore::add_code(tx, stored); }));
  QueryItems fields = {{"code", code}};
  if (errand.wants_client_info) fields.emplace_back("client_info", client_info(parts, proof));
  return answer_client(errand, std::move(fields));
}

Answer proceed(const LoginParts& parts, const Context& context, const Errand& errand,
               const Proof& proof) {
  if (errand.kind == Errand::Kind::kAuthorize) return issue_code(parts, errand, proof);
  if (errand.kind == Errand::Kind::kPassword)
    return message_page({200, "Done", "You are signed in. You can close this page."});
  auto person = parts.token.sessions.check_person(proof);
  if (!person.ok()) return error_page(person.error());
  BrowserGuard::FormToken token = parts.browser.form_token(context);
  http::Response response = confirm_page(
      {parts.browser.carry(token, errand), errand.app_name, person->upn, errand.user_code});
  BrowserGuard::put(token, response);
  return response;
}

Answer sign_in_and_proceed(const LoginParts& parts, const Context& context, const Errand& errand,
                           const Proof& proof) {
  http::Response response = TRY(proceed(parts, context, errand, proof));
  TRY(parts.browser.sign_in(context, proof, response));
  return response;
}

}  // namespace lazuli::identity
