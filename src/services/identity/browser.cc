// SPDX-License-Identifier: Apache-2.0
#include "services/identity/browser.h"

#include "base/strings.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "services/identity/token_grants.h"

namespace lazuli::identity {
namespace {

constexpr std::string_view kFormCookie = "__Host-lazuli-form";
constexpr std::string_view kSignInCookie = "__Host-lazuli-signin";
constexpr std::string_view kSealContext = "identity.errand";
constexpr Duration kErrandLife = std::chrono::hours(1);
constexpr Duration kSignInLife = std::chrono::hours(12);
constexpr size_t kTokenSize = 32;

Error stale() {
  return oauth("invalid_request", 165000,
               "This page is too old, or was opened in another browser. Start again from the "
               "program that sent you here.");
}

std::string cookie_of(const Context& context, std::string_view name) {
  for (const http::Headers::Field& field : context.head().headers.fields()) {
    if (!iequals(field.name, "Cookie")) continue;
    for (std::string_view each : split(field.value, ';')) {
      each = trim(each);
      if (each.starts_with(name) && each.substr(name.size()).starts_with("="))
        return std::string(each.substr(name.size() + 1));
    }
  }
  return {};
}

std::string cookie(std::string_view name, std::string_view value, Duration life) {
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(life).count();
  return cat({name, "=", value,
              "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=", std::to_string(seconds)});
}

// Member by member, so that a form that is older than the program is refused, not misread.
Json to_json(const Errand& e) {
  return Json::object({{"v", 1},
                       {"until", to_micros(now() + kErrandLife)},
                       {"kind", static_cast<int>(e.kind)},
                       {"app", e.app_id},
                       {"appName", e.app_name},
                       {"redirect", e.redirect_uri},
                       {"mode", e.response_mode},
                       {"scopes", e.scopes},
                       {"state", e.state},
                       {"nonce", e.nonce},
                       {"challenge", e.challenge},
                       {"prompt", e.prompt},
                       {"hint", e.login_hint},
                       {"info", e.wants_client_info},
                       {"device", e.device_hash},
                       {"code", e.user_code},
                       {"provider", e.provider},
                       {"providerNonce", e.provider_nonce},
                       {"providerVerifier", e.provider_verifier},
                       {"providerBrowser", e.provider_browser}});
}

Errand from_json(const Json& j) {
  Errand e;
  e.kind = static_cast<Errand::Kind>(j["kind"].integer());
  e.app_id = j["app"].text();
  e.app_name = j["appName"].text();
  e.redirect_uri = j["redirect"].text();
  e.response_mode = j["mode"].text();
  e.scopes = j["scopes"].text();
  e.state = j["state"].text();
  e.nonce = j["nonce"].text();
  e.challenge = j["challenge"].text();
  e.prompt = j["prompt"].text();
  e.login_hint = j["hint"].text();
  e.wants_client_info = j["info"].boolean();
  e.device_hash = j["device"].text();
  e.user_code = j["code"].text();
  e.provider = j["provider"].text();
  e.provider_nonce = j["providerNonce"].text();
  e.provider_verifier = j["providerVerifier"].text();
  e.provider_browser = j["providerBrowser"].text();
  return e;
}

}  // namespace

std::string BrowserGuard::seal(const Errand& errand) const {
  return to_base64url(vault_.seal(kSealContext, to_json(errand).dump()));
}

Result<Errand> BrowserGuard::open(std::string_view sealed) const {
  auto bytes = from_base64url(sealed);
  if (!bytes.ok()) return stale();
  auto text = vault_.open(kSealContext, *bytes);
  if (!text.ok()) return stale();
  const Json json = TRY(Json::parse(text->expose()));
  if (json["v"].integer() != 1 || json["until"].integer() < to_micros(now())) return stale();
  return from_json(json);
}

std::string BrowserGuard::csrf(std::string_view token, std::string_view sealed) const {
  return to_base64url(crypto::hmac_sha256(csrf_key_.expose(), cat({token, "\n", sealed})));
}

BrowserGuard::FormToken BrowserGuard::form_token(const Context& context) const {
  std::string token = cookie_of(context, kFormCookie);
  auto bytes = from_base64url(token);
  if (bytes.ok() && bytes->size() == kTokenSize) return {std::move(token), false};
  return {to_base64url(crypto::random_bytes(kTokenSize)), true};
}

Carried BrowserGuard::carry(const FormToken& token, const Errand& errand) const {
  std::string sealed = seal(errand);
  std::string mac = csrf(token.value, sealed);
  return {std::move(sealed), std::move(mac)};
}

void BrowserGuard::put(const FormToken& token, http::Response& response) {
  if (token.is_fresh)
    response.headers.add("Set-Cookie", cookie(kFormCookie, token.value, kSignInLife));
}

Result<Errand> BrowserGuard::errand(const Context& context, const Fields& form) const {
  FormToken token = form_token(context);
  if (token.is_fresh || !equal_constant_time(csrf(token.value, form["ctx"]), form["csrf"]))
    return stale();
  return open(form["ctx"]);
}

Result<std::optional<Browser>> BrowserGuard::signed_in(const Context& context) const {
  std::string token = cookie_of(context, kSignInCookie);
  if (token.empty()) return std::optional<Browser>();
  std::string hash = hash_code(token);
  auto browser =
      TRY(handle_.read([&](db::Reader& reader) { return SessionStore::browser(reader, hash); }));
  if (!browser || browser->expires <= now()) return std::optional<Browser>();
  return browser;
}

// A new cookie value each time: one planted before the sign-in is worth nothing after it.
Result<void> BrowserGuard::sign_in(const Context& context, const Proof& proof,
                                   http::Response& response) {
  std::string token = to_base64url(crypto::random_bytes(kTokenSize));
  std::string before = cookie_of(context, kSignInCookie);
  Browser browser{hash_code(token), proof, now() + kSignInLife};
  TRY(handle_.write([&](db::Tx& tx) -> Result<void> {
    if (!before.empty()) TRY(SessionStore::remove_browser(tx, hash_code(before)));
    return SessionStore::add_browser(tx, browser);
  }));
  response.headers.add("Set-Cookie", cookie(kSignInCookie, token, kSignInLife));
  return {};
}

Result<void> BrowserGuard::sign_out(const Context& context, http::Response& response) {
  std::string token = cookie_of(context, kSignInCookie);
  if (!token.empty())
    TRY(handle_.write(
        [&](db::Tx& tx) { return SessionStore::remove_browser(tx, hash_code(token)); }));
  response.headers.add("Set-Cookie", cookie(kSignInCookie, {}, Duration(0)));
  return {};
}

}  // namespace lazuli::identity
