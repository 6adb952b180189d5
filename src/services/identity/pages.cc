// SPDX-License-Identifier: Apache-2.0
#include "services/identity/pages.h"

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"

namespace lazuli::identity {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center}"
    "main{box-sizing:border-box;width:100%;max-width:26rem;padding:2rem}"
    "h1{font-size:1.5rem;margin:0 0 1rem}"
    "label{display:block;margin:1rem 0 .25rem}"
    "input{box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:1px solid #767676;"
    "border-radius:.25rem}"
    "button{font:inherit;margin:1.25rem .5rem 0 0;padding:.5rem 1.25rem;border:0;"
    "border-radius:.25rem;background:#1a4fa0;color:#fff}"
    "button.other{background:#595959}"
    ":focus-visible{outline:3px solid #d97706;outline-offset:2px}"
    "[role=alert]{border-left:4px solid #b91c1c;padding:.25rem .75rem;margin:0 0 1rem}"
    ".code{font:600 1.5rem ui-monospace,monospace;letter-spacing:.1em}";

constexpr std::string_view kSubmit = "document.forms[0].submit()";

std::string csp_hash(std::string_view text) {
  return cat({"'sha256-", to_base64(crypto::sha256(text)), "'"});
}

std::string policy(std::string_view form_targets, bool with_script) {
  std::string text = cat({"default-src 'none'; style-src ", csp_hash(kStyle), "; form-action ",
                          form_targets, "; base-uri 'none'; frame-ancestors 'none'"});
  if (with_script) text += "; script-src " + csp_hash(kSubmit);
  return text;
}

http::Response page(int status, std::string_view title, std::string_view content) {
  std::string html = cat(
      {"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
       "content=\"width=device-width,initial-scale=1\"><title>",
       escape_html(title), " – Lazuli</title><style>", kStyle, "</style></head><body><main><h1>",
       escape_html(title), "</h1>", content, "</main></body></html>\n"});
  http::Response response(status, std::move(html), "text/html; charset=utf-8");
  response.header("Content-Security-Policy", policy("'self'", false));
  response.header("Cache-Control", "no-store");
  response.header("Referrer-Policy", "no-referrer");
  response.header("X-Content-Type-Options", "nosniff");
  response.header("X-Frame-Options", "DENY");
  return response;
}

std::string alert(std::string_view problem) {
  if (problem.empty()) return {};
  return cat({"<p role=\"alert\">", escape_html(problem), "</p>"});
}

std::string hidden(std::string_view name, std::string_view value) {
  return cat({"<input type=\"hidden\" name=\"", name, "\" value=\"", escape_html(value), "\">"});
}

std::string form_start(const Carried& carried, std::string_view action) {
  return cat({"<form method=\"post\" action=\"/common/", action, "\">",
              hidden("ctx", carried.context), hidden("csrf", carried.csrf)});
}

struct Input {
  std::string_view name, label, type, autocomplete;
  std::string_view value = {};
  bool is_first = false;
};
std::string input(const Input& i) {
  return cat({"<label for=\"", i.name, "\">", i.label, "</label><input id=\"", i.name, "\" name=\"",
              i.name, "\" type=\"", i.type, "\" autocomplete=\"", i.autocomplete,
              "\" required autocapitalize=\"none\" spellcheck=\"false\" value=\"",
              escape_html(i.value), "\"", i.is_first ? " autofocus>" : ">"});
}

std::string button(std::string_view text, std::string_view name_value = {}) {
  return cat({"<button type=\"submit\"", name_value, ">", escape_html(text), "</button>"});
}

std::string app_line(std::string_view app_name) {
  return app_name.empty()
             ? std::string()
             : cat({"<p>to continue to <strong>", escape_html(app_name), "</strong></p>"});
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

http::Response login_page(const LoginPage& p) {
  std::string content =
      cat({alert(p.problem), app_line(p.app_name), form_start(p.carried, "login")});
  bool known = !p.username.empty();
  content += input({"username", "User name", "text", "username", p.username, !known});
  content += input({"password", "Password", "password", "current-password", {}, known});
  content += cat({button("Sign in"), "</form>"});
  for (const Provider& each : p.providers)
    content += cat({form_start(p.carried, "federated/" + url_encode(each.id)),
                    button("Sign in with " + each.name, " class=\"other\""), "</form>"});
  return page(p.problem.empty() ? 200 : 401, "Sign in", content);
}

http::Response chooser_page(const ChooserPage& p) {
  return page(
      200, "Pick an account",
      cat({app_line(p.app_name), "<p>Signed in as <strong>", escape_html(p.name), "</strong> (",
           escape_html(p.upn), ")</p>", form_start(p.carried, "continue"),
           button("Continue", " name=\"action\" value=\"continue\" autofocus"),
           button("Use another account", " class=\"other\" name=\"action\" value=\"other\""),
           "</form>"}));
}

http::Response password_page(const PasswordPage& p) {
  std::string content = alert(p.problem);
  if (p.is_required) content += "<p>Choose a new password before you go on.</p>";
  content += form_start(p.carried, "password");
  bool known = !p.username.empty();
  content += input({"username", "User name", "text", "username", p.username, !known});
  content += input({"password", "Current password", "password", "current-password", {}, known});
  content += input({"fresh", "New password", "password", "new-password"});
  content += input({"again", "New password again", "password", "new-password"});
  return page(p.problem.empty() ? 200 : 400, "Change password",
              cat({content, button("Change password"), "</form>"}));
}

http::Response device_page(const DevicePage& p) {
  return page(p.problem.empty() ? 200 : 400, "Connect a device",
              cat({alert(p.problem), form_start(p.carried, "device"),
                   input({"user_code", "Code shown by the device or program", "text", "off",
                          p.user_code, true}),
                   button("Next"), "</form>"}));
}

http::Response confirm_page(const ConfirmPage& p) {
  return page(
      200, "Sign in on the other device?",
      cat({"<p><strong>", escape_html(p.app_name),
           "</strong> on another device will act as <strong>", escape_html(p.upn),
           "</strong>. Its code is</p><p class=\"code\">", escape_html(p.user_code),
           "</p><p>Go on only if you have just started this yourself and see the same code "
           "there.</p>",
           form_start(p.carried, "device/confirm"),
           button("Continue", " name=\"action\" value=\"continue\""),
           button("Cancel", " class=\"other\" name=\"action\" value=\"cancel\""), "</form>"}));
}

http::Response message_page(const MessagePage& p) {
  return page(p.status, p.title, cat({"<p>", escape_html(p.text), "</p>"}));
}

http::Response form_post_page(const FormPost& p) {
  std::string content = cat({"<form method=\"post\" action=\"", escape_html(p.target), "\">"});
  for (const auto& [name, value] : p.fields) content += hidden(name, value);
  content += cat({button("Continue"), "</form><script>", kSubmit, "</script>"});
  http::Response response = page(200, "Signed in", content);
  response.header("Content-Security-Policy", policy("'self'", true));
  allow_form_target(response, p.target);
  return response;
}

http::Response leave_page(const LeavePage& p) {
  std::string target = escape_html(p.target);
  http::Response response =
      page(200, cat({"Sign in with ", p.name}),
           cat({"<p><a href=\"", target, "\">Continue to ", escape_html(p.name), "</a></p>"}));
  // What the header says, `<meta http-equiv="refresh">` would say within the page.
  response.header("Refresh", cat({"0; url=", p.target}));
  return response;
}

void allow_form_target(http::Response& response, std::string_view redirect_uri) {
  size_t scheme = redirect_uri.find("://");
  if (scheme == std::string_view::npos) return;
  std::string_view origin = redirect_uri.substr(0, redirect_uri.find_first_of("/?", scheme + 3));
  if (origin.find_first_of("; ,'\"\r\n") != std::string_view::npos) return;
  std::string_view before = response.headers.get_or("Content-Security-Policy", {});
  response.header("Content-Security-Policy",
                  replace_all(before, "form-action 'self'", cat({"form-action 'self' ", origin})));
}

}  // namespace lazuli::identity
