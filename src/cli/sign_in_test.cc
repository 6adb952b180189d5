// SPDX-License-Identifier: Apache-2.0
#include "cli/sign_in.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "crypto/x509.h"

namespace lazuli::cli {
namespace {

constexpr const char* kAudience = "https://management.lazuli.localhost";

// A token service that answers what the test has written down, and keeps what it was asked.
class ScriptedService final : public http::Client {
 public:
  Result<http::Response> send(const http::ClientRequest& request) override {
    urls.push_back(request.url);
    forms.push_back(*parse_form(request.body));
    if (answers.empty()) return unavailable("nothing more is expected");
    http::Response answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  void token(const std::string& name, const std::string& refresh = {}) {
    Json json = Json::object({{"access_token", name}, {"expires_in", 3600}});
    if (!refresh.empty()) json.set("refresh_token", refresh);
    answers.emplace_back(200, json.dump());
  }
  void refuse(const std::string& error) {
    answers.emplace_back(
        400, Json::object({{"error", error}, {"error_description", "AADSTS: " + error}}).dump());
  }
  std::string asked(size_t index, std::string_view name) const {
    for (const auto& [key, value] : forms.at(index))
      if (key == name) return value;
    return {};
  }
  std::deque<http::Response> answers;
  std::vector<std::string> urls;
  std::vector<QueryItems> forms;
};

class CliSignIn : public ::testing::Test {
 protected:
  ScriptedService service_;
  SignIn sign_in_{service_, "https://login.lazuli.localhost:8443"};
};

TEST_F(CliSignIn, RenewsASecretsTokenOnlyWhenItMust) {
  Account account{.kind = Account::Kind::kSecret, .tenant = "t", .client_id = "app"};
  account.secret = SecretString("s3cret");
  service_.token("one");
  auto first = sign_in_.token(account, kAudience);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_TRUE(first->changed);
  EXPECT_EQ(service_.urls[0], "https://login.lazuli.localhost:8443/t/oauth2/v2.0/token");
  EXPECT_EQ(service_.asked(0, "grant_type"), "client_credentials");
  EXPECT_EQ(service_.asked(0, "client_secret"), "s3cret");
  EXPECT_EQ(service_.asked(0, "scope"), std::string(kAudience) + "/.default");
  auto again = sign_in_.token(account, kAudience);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->changed);
  EXPECT_EQ(again->token.expose(), "one");
  account.tokens[kAudience].expires = now() + std::chrono::seconds(30);
  service_.token("two");
  EXPECT_EQ(sign_in_.token(account, kAudience)->token.expose(), "two");
}

TEST_F(CliSignIn, KeepsTheRefreshTokenThatCameLast) {
  Account account{.tenant = "t", .client_id = std::string(kCliApp)};
  EXPECT_EQ(sign_in_.token(account, kAudience).error().code, Code::kUnauthenticated);
  account.refresh_token = SecretString("first");
  service_.token("one", "second");
  ASSERT_TRUE(sign_in_.token(account, kAudience).ok());
  EXPECT_EQ(service_.asked(0, "refresh_token"), "first");
  EXPECT_NE(service_.asked(0, "scope").find("offline_access"), std::string::npos);
  service_.token("other", "third");
  ASSERT_TRUE(sign_in_.token(account, "https://storage.azure.com").ok());
  EXPECT_EQ(service_.asked(1, "refresh_token"), "second");
  service_.refuse("invalid_grant");
  account.tokens.clear();
  const auto ended = sign_in_.token(account, kAudience);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().wire_code, "invalid_grant");
}

TEST_F(CliSignIn, SignsAnAssertionWithTheCertificatesKey) {
  const auto certified = crypto::make_authority({"app", "lazuli.localhost"});
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::kRsa2048);
  Account account{.kind = Account::Kind::kCertificate, .tenant = "t", .client_id = "app"};
  account.certificate =
      SecretString(cat({key.to_pem().expose(), "\n", certified->certificate_pem}));
  service_.token("one");
  ASSERT_TRUE(sign_in_.token(account, kAudience).ok());
  const std::string assertion = service_.asked(0, "client_assertion");
  const auto parts = split(assertion, '.');
  ASSERT_EQ(parts.size(), 3u);
  const Json header = *Json::parse(*from_base64url(parts[0]));
  const Json claims = *Json::parse(*from_base64url(parts[1]));
  EXPECT_EQ(header["alg"].str(), "RS256");
  EXPECT_EQ(header["x5t#S256"].text(),
            to_base64url(crypto::inspect_certificate(certified->certificate_pem)->sha256));
  EXPECT_EQ(claims["aud"].str(), "https://login.lazuli.localhost:8443/t/oauth2/v2.0/token");
  EXPECT_EQ(claims["iss"].str(), "app");
  EXPECT_LE(claims["exp"].integer() - claims["iat"].integer(), 600);
  EXPECT_TRUE(key.public_key().verify(cat({parts[0], ".", parts[1]}), *from_base64url(parts[2])));
}

TEST_F(CliSignIn, WaitsUntilTheDeviceCodeIsEntered) {
  service_.answers.emplace_back(200, Json::object({{"device_code", "D"},
                                                   {"user_code", "ABCD"},
                                                   {"verification_uri", "https://login/device"},
                                                   {"interval", 1},
                                                   {"expires_in", 60}})
                                         .dump());
  service_.refuse("authorization_pending");
  service_.token("one", "refresh");
  std::string told;
  auto account = sign_in_.with_device_code("t", kAudience, [&](const auto& text) { told = text; });
  ASSERT_TRUE(account.ok()) << account.error().message;
  EXPECT_NE(told.find("ABCD"), std::string::npos);
  EXPECT_EQ(service_.asked(2, "device_code"), "D");
  EXPECT_EQ(account->refresh_token.expose(), "refresh");
  EXPECT_EQ(account->tokens[kAudience].token.expose(), "one");
}

TEST_F(CliSignIn, EndsWhenTheDeviceCodeIsDeclined) {
  service_.answers.emplace_back(
      200, Json::object({{"device_code", "D"}, {"message", "enter it"}, {"interval", 1}}).dump());
  service_.refuse("authorization_declined");
  const auto account = sign_in_.with_device_code("t", kAudience, [](const auto&) {});
  ASSERT_FALSE(account.ok());
  EXPECT_EQ(account.error().wire_code, "authorization_declined");
}

// What a browser does at the end: goes where it is sent.
http::Response visit(const std::string& url) {
  auto client = *http::Client::create({});
  http::ClientRequest request;
  request.url = url;
  auto response = client->send(request);
  return response.ok() ? std::move(*response) : http::Response(599);
}

std::string field_of(const std::string& url, std::string_view name) {
  const auto query = parse_query(url.substr(url.find('?') + 1));
  for (const auto& [key, value] : *query)
    if (key == name) return value;
  return {};
}

TEST_F(CliSignIn, TakesTheCodeThatABrowserBrings) {
  service_.token("one", "refresh");
  std::thread browser;
  std::string challenge, redirect;
  auto account = sign_in_.with_browser("t", kAudience, [&](const std::string& url) {
    challenge = field_of(url, "code_challenge");
    redirect = field_of(url, "redirect_uri");
    const std::string state = field_of(url, "state");
    browser = std::thread([=] {
      EXPECT_EQ(visit(redirect + "/?code=stolen&state=another").status, 404);
      EXPECT_EQ(visit(redirect + "/other?code=stolen&state=" + state).status, 404);
      EXPECT_EQ(visit(redirect + "/?code=good&state=" + state).status, 200);
    });
  });
  browser.join();
  ASSERT_TRUE(account.ok()) << account.error().message;
  EXPECT_EQ(service_.asked(0, "grant_type"), "authorization_code");
  EXPECT_EQ(service_.asked(0, "code"), "good");
  EXPECT_EQ(service_.asked(0, "redirect_uri"), redirect);
  EXPECT_EQ(to_base64url(crypto::sha256(service_.asked(0, "code_verifier"))), challenge);
  EXPECT_EQ(account->refresh_token.expose(), "refresh");
}

TEST_F(CliSignIn, TellsWhyABrowserCameBackWithoutACode) {
  std::thread browser;
  const auto account = sign_in_.with_browser("t", kAudience, [&](const std::string& url) {
    const std::string back =
        cat({field_of(url, "redirect_uri"), "/?error=access_denied&state=", field_of(url, "state"),
             "&error_description=no"});
    browser = std::thread([=] { visit(back); });
  });
  browser.join();
  ASSERT_FALSE(account.ok());
  EXPECT_EQ(account.error().wire_code, "access_denied");
  EXPECT_EQ(account.error().message, "no");
}

}  // namespace
}  // namespace lazuli::cli
