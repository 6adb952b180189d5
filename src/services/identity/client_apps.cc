// SPDX-License-Identifier: Apache-2.0
#include "services/identity/client_apps.h"

#include "base/ids.h"
#include "base/strings.h"

namespace lazuli::identity {
namespace {

struct BuiltIn {
  std::string_view app_id, name;
};

// Ids as the clients carry them: azure-cli auth/constants.py; azure-identity (Python and
// JavaScript) DEVELOPER_SIGN_ON_CLIENT_ID is the Azure CLI's.
constexpr BuiltIn kBuiltIn[] = {
    {"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Azure CLI"},
    {"1950a258-227b-4e31-a9cf-717495945fc2", "Azure PowerShell"},
    {"aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"},
    {kLazuliCliApp, "Lazuli CLI"},
};

struct Uri {
  std::string_view scheme, host, path;
  bool parsed = false;
};

// "http://localhost:8400/x" → http, localhost, /x. No user, fragment or backslash gets through.
Uri parse_uri(std::string_view text) {
  if (text.find_first_of("\\#@ \r\n\t") != std::string_view::npos) return {};
  size_t colon = text.find("://");
  if (colon == std::string_view::npos) return {};
  Uri uri{text.substr(0, colon), {}, "/", true};
  std::string_view rest = text.substr(colon + 3);
  size_t slash = rest.find_first_of("/?");
  if (slash != std::string_view::npos) uri.path = rest.substr(slash);
  std::string_view authority = rest.substr(0, slash);
  size_t port = authority.starts_with("[") ? authority.find("]:") : authority.rfind(':');
  if (port != std::string_view::npos) {
    if (authority.starts_with("[")) ++port;
    auto number = parse_int(authority.substr(port + 1));
    if (!number || *number < 1 || *number > 65535) return {};
    authority = authority.substr(0, port);
  }
  uri.host = authority;
  return uri;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

bool matches_loopback(std::string_view registered, std::string_view asked) {
  Uri known = parse_uri(registered), given = parse_uri(asked);
  return known.parsed && given.parsed && known.scheme == "http" && given.scheme == "http" &&
         is_loopback(known.host) && known.host == given.host && known.path == given.path;
}

}  // namespace

Result<std::optional<ClientApp>> find_client_app(directory::Directory& directory,
                                                 const std::string& app_id) {
  for (const BuiltIn& each : kBuiltIn) {
    if (!iequals(each.app_id, app_id)) continue;
    return std::optional(ClientApp{std::string(each.app_id),
                                   std::string(each.name),
                                   true,
                                   {},
                                   {"http://localhost", "http://127.0.0.1", "http://[::1]"}});
  }
  if (!is_uuid(app_id)) return std::optional<ClientApp>();
  auto found = TRY(directory.find_application(app_id));
  if (!found) return std::optional<ClientApp>();
  ClientApp app{found->app_id, found->name, found->public_client, found->web_redirects,
                found->public_redirects};
  app.redirects.insert(app.redirects.end(), found->spa_redirects.begin(),
                       found->spa_redirects.end());
  // Who registers a native redirect is a native client, whether or not it says so besides.
  app.is_public = app.is_public || (!app.native_redirects.empty() && app.redirects.empty());
  return std::optional(std::move(app));
}

bool may_redirect(const ClientApp& app, std::string_view uri) {
  if (uri.empty() || uri.find_first_of("#\\ \r\n\t\"<>") != std::string_view::npos) return false;
  auto is_exact = [&](const std::string& each) { return each == uri; };
  if (std::ranges::any_of(app.redirects, is_exact)) return true;
  if (std::ranges::any_of(app.native_redirects, is_exact)) return true;
  return std::ranges::any_of(app.native_redirects,
                             [&](const std::string& each) { return matches_loopback(each, uri); });
}

}  // namespace lazuli::identity
