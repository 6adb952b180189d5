// SPDX-License-Identifier: Apache-2.0
#include "cli/package_indexes.h"

#include <gtest/gtest.h>

#include <map>

namespace lazuli::cli {
namespace {

using Texts = std::map<std::string, std::string>;

std::vector<std::string> hosts(const Texts& variables, const Texts& files) {
  return package_index_hosts({[&](const char* name) {
                                auto value = variables.find(name);
                                return value == variables.end() ? std::string() : value->second;
                              },
                              [&](const std::string& path) {
                                auto file = files.find(path);
                                return file == files.end() ? std::nullopt
                                                           : std::optional(file->second);
                              }});
}

TEST(CliPackageIndexes, FindsHostsInAddresses) {
  EXPECT_EQ(hosts_of_addresses("https://me:pass@Pip.Example:8443/simple http://b.example"),
            (std::vector<std::string>{"pip.example", "b.example"}));
  EXPECT_EQ(hosts_of_addresses("corp=https://a.example/simple,https://[fd00::1]:1/"),
            (std::vector<std::string>{"a.example", "fd00::1"}));
  EXPECT_TRUE(
      hosts_of_addresses("/opt/wheels file:///x git+ssh://g.example/ https:// ://").empty());
}

TEST(CliPackageIndexes, OfVariables) {
  EXPECT_EQ(hosts({{"PIP_INDEX_URL", "https://pip.example/simple"},
                   {"PIP_EXTRA_INDEX_URL", "https://one.example/ https://two.example/"},
                   {"UV_INDEX_URL", "https://pip.example/again"},
                   {"npm_config_registry", "https://npm.example"},
                   {"PIP_FIND_LINKS", "/opt/wheels"}},
                  {}),
            (std::vector<std::string>{"pip.example", "one.example", "two.example", "npm.example"}));
}

TEST(CliPackageIndexes, OfConfigurationFiles) {
  const Texts variables = {{"HOME", "/home/me"}, {"PIP_CONFIG_FILE", "/x/pip.conf"}};
  const Texts files = {
      {"/home/me/.config/pip/pip.conf",
       "[global]\n# index-url = https://off.example/\nextra-index-url =\n  https://a.example/s\n"
       "    https://b.example/s\nproxy = http://proxy.example:3128\n"},
      {"/x/pip.conf", "[global]\nindex-url=https://c.example/simple\n"},
      {"/home/me/.npmrc", "@mine:registry=https://d.example/\nhttps-proxy=http://p.example\n"},
      {"/home/me/.config/uv/uv.toml", "[[index]]\nurl = \"https://e.example/simple\"\n"},
      {"/home/other/.npmrc", "registry=https://off.example/\n"}};
  EXPECT_EQ(
      hosts(variables, files),
      (std::vector<std::string>{"a.example", "b.example", "e.example", "d.example", "c.example"}));
}

}  // namespace
}  // namespace lazuli::cli
