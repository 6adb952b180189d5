// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <gtest/gtest.h>

namespace lazuli::http {
namespace {

TEST(HttpUrl, TakesApartWhatAClientNeeds) {
  const auto url = parse_url("HTTPS://Example.org:8443/a/b?c=d#e");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->authority.host, "example.org");
  EXPECT_EQ(url->port(), 8443);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(parse_url("http://h?x")->target, "/?x");
}

TEST(HttpUrl, RefusesWhatCouldSplitARequestOrNameAnotherHost) {
  for (std::string_view text :
       {"http://h/a\r\nX: 1", "http://h/a b", "http://h/\x7f", "http://h\t/", " http://h/",
        "http://a@b/", "http://a:b@c/", "ftp://h/", "//h/", "http://", "http:///a", "http://h:0/",
        "http://h:65536/", "http://h:a/", "http://a\\b/", "http://a%2eb/"})
    EXPECT_FALSE(parse_url(text).ok()) << text;
}

TEST(HttpUrl, ResolvesReferencesOverTheirBase) {
  const auto base = parse_url("https://h:8443/a/b?c");
  ASSERT_TRUE(base.ok());
  EXPECT_EQ(*resolve_url(*base, "/x"), "https://h:8443/x");
  EXPECT_EQ(*resolve_url(*base, "//other/x"), "https://other/x");
  EXPECT_EQ(*resolve_url(*base, "?q"), "https://h:8443/a/b?q");
  EXPECT_EQ(*resolve_url(*base, "c"), "https://h:8443/a/c");
  EXPECT_FALSE(resolve_url(*base, "file:///etc/passwd").ok());
  EXPECT_FALSE(resolve_url(*base, "/a\r\nX: 1").ok());
}

TEST(HttpUrl, LeavesOutOfLogsWhatCouldBeACredential) {
  const std::string secret(41, 'x');
  EXPECT_EQ(loggable_path("/msi/" + secret + "/token"), "/msi/.../token");
  EXPECT_EQ(loggable_path("/msi/" + secret), "/msi/...");
  EXPECT_EQ(loggable_path("/a/2f3c0a4e-7d0c-4c55-8b0e-0a3f9f8f3a11/"),
            "/a/2f3c0a4e-7d0c-4c55-8b0e-0a3f9f8f3a11/");
  EXPECT_EQ(loggable_path("/"), "/");
}

}  // namespace
}  // namespace lazuli::http
