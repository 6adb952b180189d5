// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "core/vault.h"
#include "services/identity/oauth.h"
#include "services/identity/pages.h"
#include "services/identity/session_store.h"

namespace lazuli::identity {

// What a person was about to do when a page came in between. Travels through the browser sealed, so
// that the pages keep no state and nobody can alter it.
struct Errand {
  enum class Kind { kAuthorize, kDevice, kPassword } kind = Kind::kAuthorize;
  // kAuthorize: a checked request (RFC 6749 §4.1.1).
  std::string app_id, app_name, redirect_uri, response_mode, scopes, state, nonce, challenge;
  std::string prompt, login_hint;
  bool wants_client_info = false;
  std::string device_hash, user_code;  // kDevice
  // A sign-in at another provider on the way.
  std::string provider, provider_nonce, provider_verifier;
  std::string provider_browser;  // hash of the form cookie with which it began
};

// Cookies and sealed forms of one browser. Source of the cookie rules: RFC 6265bis ("__Host-").
class BrowserGuard {
 public:
  BrowserGuard(db::Database::Handle handle, core::Vault& vault)
      : handle_(std::move(handle)), vault_(vault), csrf_key_(vault.derive("identity.csrf")) {}

  // The cookie that vouches for forms: the browser's own, or a fresh one that the response brings.
  struct FormToken {
    std::string value;
    bool is_fresh = false;
  };
  FormToken form_token(const Context& context) const;
  Carried carry(const FormToken& token, const Errand& errand) const;
  static void put(const FormToken& token, http::Response& response);
  // The errand of a posted form, if the form was made for this browser within the hour.
  Result<Errand> errand(const Context& context, const Fields& form) const;

  // One that is in a cookie-less place (`state` of a request to another provider).
  std::string seal(const Errand& errand) const;
  Result<Errand> open(std::string_view sealed) const;

  // The signed-in browser, if it is.
  Result<std::optional<Browser>> signed_in(const Context& context) const;
  // Starts (and replaces) the browser's sign-in.
  Result<void> sign_in(const Context& context, const Proof& proof, http::Response& response);
  Result<void> sign_out(const Context& context, http::Response& response);

 private:
  std::string csrf(std::string_view token, std::string_view sealed) const;

  db::Database::Handle handle_;
  core::Vault& vault_;
  SecretBytes csrf_key_;
};

}  // namespace lazuli::identity
