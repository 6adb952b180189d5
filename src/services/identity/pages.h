// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

// The few pages that people see: sign-in, device code, password, account choice. Plain HTML that
// works without scripts, loads nothing, and may be framed by nobody.
namespace lazuli::identity {

// What a form carries through the browser unseen. Both were sealed or signed by the server.
struct Carried {
  std::string context;  // what the person was about to do
  std::string csrf;
};

struct Provider {
  std::string id, name;  // of an external OpenID Connect provider
};

struct LoginPage {
  Carried carried;
  std::string app_name, username;
  std::string problem;  // shown as an alert; empty: none
  std::vector<Provider> providers;
};
http::Response login_page(const LoginPage& page);

struct ChooserPage {
  Carried carried;
  std::string app_name, name, upn;
};
http::Response chooser_page(const ChooserPage& page);

struct PasswordPage {
  Carried carried;
  std::string username, problem;
  bool is_required = false;  // before anything else
};
http::Response password_page(const PasswordPage& page);

struct DevicePage {
  Carried carried;
  std::string user_code, problem;
};
http::Response device_page(const DevicePage& page);

struct ConfirmPage {
  Carried carried;
  std::string app_name, upn, user_code;
};
http::Response confirm_page(const ConfirmPage& page);

struct MessagePage {
  int status = 200;
  std::string title, text;
};
http::Response message_page(const MessagePage& page);

// Sends an answer to a client as a POST of the browser (OAuth 2.0 Form Post Response Mode). Submits
// itself where scripts run, by a button where they do not.
struct FormPost {
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
};
http::Response form_post_page(const FormPost& page);

// Sends the browser to another provider's sign-in. By a link that follows itself: browsers hold the
// redirects of a form to where forms may lead, and a provider may redirect anywhere.
struct LeavePage {
  std::string name, target;
};
http::Response leave_page(const LeavePage& page);

// Where forms of these pages may lead, besides here: the client's redirect. Put on a response so
// that browsers, which check redirects of forms too, follow it.
void allow_form_target(http::Response& response, std::string_view redirect_uri);

std::string escape_html(std::string_view text);

}  // namespace lazuli::identity
