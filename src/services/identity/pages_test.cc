// SPDX-License-Identifier: Apache-2.0
#include "services/identity/pages.h"

#include <gtest/gtest.h>

#include "services/identity/client_apps.h"
#include "services/identity/oauth.h"
#include "services/identity/rate_limit.h"

namespace lazuli::identity {
namespace {

TEST(IdentityPages, NothingOfAPersonsBecomesMarkup) {
  LoginPage page{{"c", "t"}, "<b>app</b>", "\"><script>", "a & b", {{"id", "<i>"}}};
  http::Response response = login_page(page);
  EXPECT_EQ(response.text().find("<script"), std::string::npos);
  EXPECT_EQ(response.text().find("<b>app"), std::string::npos);
  EXPECT_NE(response.text().find("&quot;&gt;&lt;script&gt;"), std::string::npos);
  EXPECT_NE(response.text().find("role=\"alert\">a &amp; b"), std::string::npos);
}

TEST(IdentityPages, ThePolicyAllowsNothingFromElsewhere) {
  http::Response response = device_page({{"c", "t"}, "CODE", {}});
  std::string policy(response.headers.get_or("Content-Security-Policy", {}));
  EXPECT_TRUE(policy.starts_with("default-src 'none'; style-src 'sha256-"));
  EXPECT_EQ(policy.find("script-src"), std::string::npos);
  EXPECT_EQ(response.text().find("http://"), std::string::npos);
  allow_form_target(response, "http://localhost:8400/x?y");
  policy = response.headers.get_or("Content-Security-Policy", {});
  EXPECT_NE(policy.find("form-action 'self' http://localhost:8400;"), std::string::npos);
  std::string before = policy;
  allow_form_target(response, "https://a; script-src *");
  EXPECT_EQ(response.headers.get_or("Content-Security-Policy", {}), before);
}

TEST(IdentityPages, AFormPostCarriesItsFieldsAndOneKnownScript) {
  http::Response response = form_post_page({"http://localhost:1/", {{"code", "a\"b"}}});
  EXPECT_NE(response.text().find("value=\"a&quot;b\""), std::string::npos);
  EXPECT_NE(response.headers.get_or("Content-Security-Policy", {}).find("script-src 'sha256-"),
            std::string_view::npos);
}

TEST(IdentityPages, TheWayToAnotherProviderIsALink) {
  http::Response response = leave_page({"A <b>", "https://idp/authorize?a=b&c=d"});
  EXPECT_EQ(response.headers.get_or("Refresh", {}), "0; url=https://idp/authorize?a=b&c=d");
  EXPECT_NE(response.text().find("href=\"https://idp/authorize?a=b&amp;c=d\""), std::string::npos);
  EXPECT_EQ(response.text().find("<b>"), std::string::npos);
}

TEST(IdentityClientApps, RedirectsAreExactButForTheirLoopbackPort) {
  ClientApp app{"id", "name", false, {"https://a.example/cb"}, {"http://localhost", "app://x"}};
  for (std::string_view good : {"https://a.example/cb", "http://localhost", "http://localhost/",
                                "http://localhost:8400", "http://localhost:8400/", "app://x"})
    EXPECT_TRUE(may_redirect(app, good)) << good;
  for (std::string_view bad :
       {"", "https://a.example/cb/", "https://a.example/cb?x=1", "https://a.example/CB",
        "https://a.example:443/cb", "http://localhost.evil", "http://localhost:8400/x",
        "http://localhost:0", "http://localhost:99999", "http://localhost:84a", "http://127.0.0.1",
        "https://localhost:8400", "http://user@localhost:8400", "http://localhost:8400#f",
        "http://localhost:8400\\@evil", "app://x/y", "http://localhost :1"})
    EXPECT_FALSE(may_redirect(app, bad)) << bad;
}

TEST(IdentityOauth, TokenEndpointsUnderAnyNameOfTheTenant) {
  core::Installation house;
  house.domain = "lazuli.localhost";
  house.tenant_id = "11111111-2222-3333-4444-555555555555";
  for (std::string_view good :
       {"https://login.lazuli.localhost/adfs/oauth2/token",
        "https://login.lazuli.localhost:8443/common/oauth2/v2.0/token",
        "https://login.lazuli.localhost/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token"})
    EXPECT_TRUE(is_token_endpoint(house, good)) << good;
  for (std::string_view bad :
       {"", "https://login.lazuli.localhost", "https://login.lazuli.localhost/x/oauth2/token",
        "https://login.lazuli.localhost.evil/adfs/oauth2/token",
        "https://login.lazuli.localhost:x/adfs/oauth2/token",
        "http://login.lazuli.localhost/adfs/oauth2/token",
        "https://login.lazuli.localhost/adfs/oauth2/token/x"})
    EXPECT_FALSE(is_token_endpoint(house, bad)) << bad;
}

TEST(IdentityOauth, ErrorsSayTheirNumber) {
  EXPECT_EQ(aadsts_number(oauth("invalid_client", 7000215, "x: y")), 7000215);
  EXPECT_EQ(aadsts_number(not_found("AADSTSx: y")), 0);
  EXPECT_EQ(aadsts_number(not_found("other")), 0);
}

TEST(IdentityRateLimit, BucketsRefillAndAreBounded) {
  RateLimit limit({.burst = 2, .per_second = 1, .keys_max = 3});
  SteadyClock::time_point time{};
  EXPECT_TRUE(limit.take("a", time));
  EXPECT_TRUE(limit.take("a", time));
  EXPECT_FALSE(limit.take("a", time));
  EXPECT_FALSE(limit.has("a", time));
  EXPECT_TRUE(limit.has("b", time));
  EXPECT_TRUE(limit.take("a", time + std::chrono::seconds(1)));
  EXPECT_FALSE(limit.take("a", time + std::chrono::seconds(1)));
  for (char c = 'b'; c <= 'z'; ++c) EXPECT_TRUE(limit.take(std::string(1, c), time));
}

}  // namespace
}  // namespace lazuli::identity
