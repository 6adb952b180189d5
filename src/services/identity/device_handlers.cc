// SPDX-License-Identifier: Apache-2.0
// Sign-in for programs without a browser (RFC 8628).
#include "base/strings.h"
#include "core/arm.h"
#include "crypto/random.h"
#include "services/identity/client_apps.h"
#include "services/identity/login_handlers.h"
#include "services/identity/token_grants.h"

namespace lazuli::identity {
namespace {

constexpr Duration kDeviceLife = std::chrono::seconds(900);
constexpr int64_t kIntervalS = 5;
// RFC 8628 §6.1: no vowels, so no words; 20^9 codes.
constexpr std::string_view kAlphabet = "BCDFGHJKLMNPQRSTVWXZ";
constexpr size_t kUserCodeSize = 9;

std::string draw_user_code() {
  std::string code;
  while (code.size() < kUserCodeSize) {
    auto drawn = static_cast<unsigned char>(crypto::random_bytes(1)[0]);
    if (drawn < 240) code += kAlphabet[drawn % kAlphabet.size()];  // 240 = 12 * 20: no bias
  }
  return code;
}

// As people type it: "bcd-fgh jkl".
std::string normalize(std::string_view typed) {
  std::string code;
  for (char c : typed.substr(0, 64)) {
    char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (kAlphabet.find(upper) != std::string_view::npos) code += upper;
  }
  return code;
}

Result<DeviceCode> store_code(const TokenParts& parts, DeviceCode code) {
  for (int i = 0; i < 5; ++i) {
    code.user_code = draw_user_code();
    bool fresh =
        TRY(parts.handle.write([&](db::Tx& tx) { return SessionStore::add_device(tx, code); }));
    if (fresh) return code;
  }
  return internal_error("no user code is free");
}

Answer show_device(const LoginParts& parts, const Context& context, const Errand& errand,
                   DevicePage page) {
  BrowserGuard::FormToken token = parts.browser.form_token(context);
  page.carried = parts.browser.carry(token, errand);
  http::Response response = device_page(page);
  BrowserGuard::put(token, response);
  return response;
}

bool is_open(const std::optional<DeviceCode>& code) {
  return code && code->state == "pending" && now() < code->expires;
}

}  // namespace

Answer post_device_code(const TokenParts& parts, Context& context) {
  TRY(check_tenant(parts.installation, context));
  if (!parts.requests.take(source_of(context))) return too_many_requests(context);
  Fields form = TRY(Fields::of_form(context));
  auto app = TRY(find_client_app(parts.directory, to_lower(form["client_id"])));
  if (!app)
    return oauth("unauthorized_client", 700016,
                 cat({"Application with identifier '", form["client_id"].substr(0, 64),
                      "' was not found in the directory."}));
  std::string scopes = form["scope"];
  if (scopes.empty() && form.has("resource")) scopes = form["resource"] + "/.default openid";
  TRY(parse_asked(parts.installation, parts.directory, {scopes, {}, app->app_id}));
  std::string device_code = to_base64url(crypto::random_bytes(32));
  DeviceCode wanted{hash_code(device_code), {}, app->app_id, scopes, "pending", {}, {}, {}, {}};
  wanted.expires = now() + kDeviceLife;
  wanted.interval_s = kIntervalS;
  DeviceCode code = TRY(store_code(parts, std::move(wanted)));
  std::string page = context.url("login", "/device");
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(kDeviceLife).count();
  return no_store(core::json_response(Json::object(
      {{"user_code", code.user_code},
       {"device_code", device_code},
       {"verification_uri", page},
       {"verification_url", page},  // v1's name
       {"verification_uri_complete", cat({page, "?code=", code.user_code})},
       {"expires_in", seconds},
       {"interval", kIntervalS},
       {"message", cat({"To sign in, use a web browser to open the page ", page,
                        " and enter the code ", code.user_code, " to authenticate."})}})));
}

Answer get_device(const LoginParts& parts, Context& context) {
  if (auto tenant = check_tenant(parts.token.installation, context); !tenant.ok())
    return error_page(tenant.error());
  Errand errand;
  errand.kind = Errand::Kind::kDevice;
  return show_device(parts, context, errand, {{}, normalize(context.query_or("code", {})), {}});
}

// The code is looked at before the sign-in, but told to nobody until after it.
Answer post_device(const LoginParts& parts, Context& context) {
  std::string suspect = cat({source_of(context), " device"});
  if (!parts.token.requests.take(source_of(context)) || !parts.token.failures.has(suspect))
    return message_page({429, "Too many attempts", "Wait a minute, then try again."});
  Fields form = TRY(Fields::of_form(context));
  auto errand = parts.browser.errand(context, form);
  if (!errand.ok()) return error_page(errand.error());
  std::string typed = normalize(form["user_code"]);
  auto code = TRY(parts.token.handle.read(
      [&](db::Reader& reader) { return SessionStore::device_by_user_code(reader, typed); }));
  if (!is_open(code)) {
    parts.token.failures.take(suspect);
    return show_device(parts, context, *errand,
                       {{}, typed, "That code is not known, or no longer. Look at it again."});
  }
  auto app = TRY(find_client_app(parts.token.directory, code->app_id));
  errand->app_id = code->app_id;
  errand->app_name = app ? app->name : code->app_id;
  errand->device_hash = code->hash;
  errand->user_code = code->user_code;
  std::optional<Browser> browser = TRY(parts.browser.signed_in(context));
  if (browser && parts.token.sessions.check_person(browser->proof).ok())
    return proceed(parts, context, *errand, browser->proof);
  return show_login(parts, context, *errand, {});
}

Answer post_device_confirm(const LoginParts& parts, Context& context) {
  Fields form = TRY(Fields::of_form(context));
  auto errand = parts.browser.errand(context, form);
  if (!errand.ok()) return error_page(errand.error());
  std::optional<Browser> browser = TRY(parts.browser.signed_in(context));
  if (!browser) return show_login(parts, context, *errand, {});
  auto person = parts.token.sessions.check_person(browser->proof);
  if (!person.ok()) return show_login(parts, context, *errand, {});
  bool approved = form["action"] == "continue";
  bool done = TRY(parts.token.handle.write([&](db::Tx& tx) -> Result<bool> {
    auto code = TRY(SessionStore::device(tx, errand->device_hash));
    if (!is_open(code)) return false;
    TRY(SessionStore::set_device_state(tx, code->hash, approved ? "approved" : "denied",
                                       browser->proof));
    return true;
  }));
  if (!done)
    return message_page({400, "Too late", "The code has expired or was used. Start again there."});
  if (!approved) return message_page({200, "Cancelled", "The other device was not signed in."});
  return message_page({200, "Signed in",
                       cat({"You have signed in to ", errand->app_name,
                            " on the other device. You can close this page."})});
}

}  // namespace lazuli::identity
