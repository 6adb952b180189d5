// SPDX-License-Identifier: Apache-2.0
// Sources: pip "Configuration", uv "Configuration files" and "Environment variables", npm "config".
#include "cli/package_indexes.h"

#include <algorithm>

#include "base/strings.h"

namespace lazuli::cli {
namespace {

constexpr const char* kVariables[] = {"PIP_INDEX_URL",
                                      "PIP_EXTRA_INDEX_URL",
                                      "PIP_FIND_LINKS",
                                      "UV_INDEX_URL",
                                      "UV_INDEX",
                                      "UV_DEFAULT_INDEX",
                                      "UV_EXTRA_INDEX_URL",
                                      "UV_FIND_LINKS",
                                      "NPM_CONFIG_REGISTRY",
                                      "npm_config_registry",
                                      "YARN_REGISTRY"};

std::vector<std::string> configuration_files(const Surroundings& around) {
  std::vector<std::string> files = {"/etc/pip.conf",  "/etc/uv/uv.toml", "/etc/npmrc",
                                    "/usr/etc/npmrc", ".npmrc",          "uv.toml"};
  auto below = [&](const std::string& folder, std::initializer_list<const char*> names) {
    if (folder.empty()) return;
    for (const char* name : names) files.push_back(cat({folder, "/", name}));
  };
  const std::string home = around.variable("HOME");
  std::string configuration = around.variable("XDG_CONFIG_HOME");
  if (configuration.empty() && !home.empty()) configuration = home + "/.config";
  below(configuration, {"pip/pip.conf", "uv/uv.toml"});
  below(home, {".pip/pip.conf", ".npmrc"});
  below(around.variable("VIRTUAL_ENV"), {"pip.conf"});
  for (const char* name :
       {"PIP_CONFIG_FILE", "UV_CONFIG_FILE", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig"}) {
    if (std::string file = around.variable(name); !file.empty()) files.push_back(std::move(file));
  }
  return files;
}

// An address that is no index would be the proxy's.
bool says_of_indexes(std::string_view line) {
  std::string_view key = trim(line.substr(0, line.find('=')));
  return !key.starts_with('#') && !key.starts_with(';') &&
         to_lower(key).find("proxy") == std::string::npos;
}

}  // namespace

std::vector<std::string> hosts_of_addresses(std::string_view text) {
  std::vector<std::string> hosts;
  for (size_t mark = text.find("://"); mark != std::string_view::npos; mark = text.find("://")) {
    const std::string_view scheme = text.substr(0, mark);
    text.remove_prefix(mark + 3);
    if (!scheme.ends_with("http") && !scheme.ends_with("https")) continue;
    std::string_view authority = text.substr(0, text.find_first_of("/?# \t\r\n\"',"));
    if (size_t at = authority.rfind('@'); at != std::string_view::npos)
      authority.remove_prefix(at + 1);
    if (authority.starts_with('['))
      authority = authority.substr(1, authority.find(']') - 1);
    else
      authority = authority.substr(0, authority.find(':'));
    if (!authority.empty()) hosts.push_back(to_lower(authority));
  }
  return hosts;
}

std::vector<std::string> package_index_hosts(const Surroundings& around) {
  std::vector<std::string> hosts;
  auto add = [&](std::string_view text) {
    for (std::string& host : hosts_of_addresses(text))
      if (std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(std::move(host));
  };
  for (const char* name : kVariables) add(around.variable(name));
  for (const std::string& file : configuration_files(around)) {
    const std::optional<std::string> content = around.content(file);
    if (!content) continue;
    for (std::string_view line : split(*content, '\n'))
      if (says_of_indexes(line)) add(line);
  }
  return hosts;
}

}  // namespace lazuli::cli
