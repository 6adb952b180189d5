// SPDX-License-Identifier: Apache-2.0
#include "services/identity/login_handlers.h"

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::identity {
namespace {

// One text for both: only names that exist are ever locked.
constexpr std::string_view kWrong =
    "The user name or password is not correct, or there were too many failed attempts. If you are "
    "sure of them, wait a few minutes and try again.";
constexpr size_t kNameMax = 256;

std::string verdict_text(directory::PasswordVerdict verdict) {
  switch (verdict) {
    case directory::PasswordVerdict::kDisabled:
      return "This account is disabled. Ask whoever administers it.";
    default:
      return std::string(kWrong);
  }
}

Error verdict_error(directory::PasswordVerdict verdict) {
  int number = verdict == directory::PasswordVerdict::kLocked     ? 50053
               : verdict == directory::PasswordVerdict::kDisabled ? 50057
                                                                  : 50126;
  return oauth("invalid_grant", number, verdict_text(verdict));
}

SignIn log_of(const Errand& errand, const std::string& username) {
  SignIn log;
  log.name = username;
  log.app_id = errand.app_id;
  log.grant = "password";
  return log;
}

bool succeeded(directory::PasswordVerdict verdict) {
  return verdict == directory::PasswordVerdict::kAccepted ||
         verdict == directory::PasswordVerdict::kMustChange;
}

Answer show_password(const LoginParts& parts, const Context& context, const Errand& errand,
                     PasswordPage page) {
  BrowserGuard::FormToken token = parts.browser.form_token(context);
  page.carried = parts.browser.carry(token, errand);
  http::Response response = password_page(page);
  BrowserGuard::put(token, response);
  allow_form_target(response, errand.redirect_uri);
  return response;
}

std::string suspect_of(const Context& context) { return cat({source_of(context), " pages"}); }

bool is_limited(const LoginParts& parts, const Context& context) {
  return !parts.token.requests.take(source_of(context)) ||
         !parts.token.failures.has(suspect_of(context));
}

http::Response limited_page() {
  http::Response response =
      message_page({429, "Too many attempts", "Wait a minute, then try again."});
  response.header("Retry-After", "60");
  return response;
}

}  // namespace

Answer show_login(const LoginParts& parts, const Context& context, const Errand& errand,
                  const LoginProblem& problem) {
  BrowserGuard::FormToken token = parts.browser.form_token(context);
  LoginPage page{
      parts.browser.carry(token, errand), errand.app_name, problem.username, problem.text, {}};
  if (page.username.empty()) page.username = errand.login_hint;
  for (const directory::IdentityProvider& each : TRY(parts.token.directory.identity_providers()))
    page.providers.push_back({each.id, each.name});
  http::Response response = login_page(page);
  BrowserGuard::put(token, response);
  allow_form_target(response, errand.redirect_uri);
  return response;
}

// 1. Limits; 2. the form is this browser's; 3. the password (whose attempts the directory counts).
Answer post_login(const LoginParts& parts, Context& context) {
  if (is_limited(parts, context)) return limited_page();
  Fields form = TRY(Fields::of_form(context));
  auto errand = parts.browser.errand(context, form);
  if (!errand.ok()) return error_page(errand.error());
  std::string username(trim(form["username"]).substr(0, kNameMax));
  directory::PasswordAnswer answer =
      TRY(parts.token.directory.verify_password(username, SecretString(form["password"])));
  SignIn log = log_of(*errand, username);
  if (answer.user) log.object_id = answer.user->object_id;
  Error refused = verdict_error(answer.verdict);
  bool good = succeeded(answer.verdict);
  TRY(record(parts.token, context, log, good ? nullptr : &refused));
  if (answer.verdict == directory::PasswordVerdict::kMustChange)
    return show_password(parts, context, *errand, {{}, username, {}, true});
  if (!good) {
    parts.token.failures.take(suspect_of(context));
    return show_login(parts, context, *errand, {username, verdict_text(answer.verdict)});
  }
  Proof proof{answer.user->object_id, now(), {"pwd"}};
  return sign_in_and_proceed(parts, context, *errand, proof);
}

Answer get_password(const LoginParts& parts, Context& context) {
  TRY(check_tenant(parts.token.installation, context));
  Errand errand;
  errand.kind = Errand::Kind::kPassword;
  return show_password(parts, context, errand, {});
}

Answer post_password(const LoginParts& parts, Context& context) {
  if (is_limited(parts, context)) return limited_page();
  Fields form = TRY(Fields::of_form(context));
  auto errand = parts.browser.errand(context, form);
  if (!errand.ok()) return error_page(errand.error());
  std::string username(trim(form["username"]).substr(0, kNameMax));
  auto again = [&](std::string problem) {
    return show_password(parts, context, *errand, {{}, username, std::move(problem), false});
  };
  if (form["fresh"] != form["again"]) return again("The two new passwords differ.");
  auto verdict = parts.token.directory.change_password(username, SecretString(form["password"]),
                                                       SecretString(form["fresh"]));
  if (!verdict.ok() && verdict.error().code == Code::kInvalidArgument)
    return again(verdict.error().message);
  if (!verdict.ok()) return verdict.error();
  Error refused = verdict_error(*verdict);
  bool good = succeeded(*verdict);
  SignIn log = log_of(*errand, username);
  log.grant = "password_change";
  TRY(record(parts.token, context, log, good ? nullptr : &refused));
  if (!good) {
    parts.token.failures.take(suspect_of(context));
    return again(verdict_text(*verdict));
  }
  auto person = TRY(parts.token.directory.find_by_upn(username));
  if (!person || errand->kind == Errand::Kind::kPassword)
    return message_page({200, "Password changed", "Use the new password from now on."});
  return sign_in_and_proceed(parts, context, *errand, {person->object_id, now(), {"pwd"}});
}

// OpenID Connect RP-Initiated Logout 1.0: back to the client only where it has said so before.
Answer get_logout(const LoginParts& parts, Context& context) {
  TRY(check_tenant(parts.token.installation, context));
  Fields query = TRY(Fields::of_query(context));
  const std::string& back = query["post_logout_redirect_uri"];
  http::Response response =
      message_page({200, "Signed out", "You are signed out in this browser."});
  auto app = TRY(find_client_app(parts.token.directory, to_lower(query["client_id"])));
  if (app && !back.empty() && may_redirect(*app, back)) {
    response = http::Response(303);
    QueryItems state;
    if (query.has("state")) state.emplace_back("state", query["state"]);
    std::string_view separator = back.find('?') == std::string::npos ? "?" : "&";
    response.header("Location", state.empty() ? back : cat({back, separator, dump_form(state)}));
    response.header("Cache-Control", "no-store");
  }
  TRY(parts.browser.sign_out(context, response));
  return response;
}

Answer get_userinfo(const LoginParts& parts, Context& context) {
  std::string_view value = context.header("Authorization");
  std::string_view token = istarts_with(value, "Bearer ") ? trim(value.substr(7)) : value;
  auto checked = parts.token.tokens.check(token, "https://graph." + context.domain());
  if (!checked.ok()) return unauthenticated(checked.error().message, "invalid_token");
  auto person = TRY(parts.token.directory.find_by_object_id((*checked)->verified.object_id));
  if (!person || (*checked)->scopes.empty())
    return permission_denied("The token is not a person's.", "insufficient_scope");
  return no_store(core::json_response(Json::object({{"sub", person->object_id},
                                                    {"name", person->name},
                                                    {"preferred_username", person->upn},
                                                    {"email", person->upn}})));
}

}  // namespace lazuli::identity
