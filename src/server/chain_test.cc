// SPDX-License-Identifier: Apache-2.0
#include "server/chain.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "core/audit.h"

namespace lazuli::server {
namespace {

constexpr const char* kThing = "/subscriptions/s/resourceGroups/g/providers/Test.Things/things/t";

// Takes "Bearer NAME" or "Bearer NAME@TENANT"; "Bearer bad" does not verify.
class NamedBearer final : public core::Authenticator {
 public:
  bool present(const http::RequestHead& head) const override {
    return istarts_with(head.headers.get_or("Authorization", ""), "Bearer ");
  }
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view) override {
    ++asked;
    const std::string_view token = head.headers.get_or("Authorization", "").substr(7);
    if (token == "bad") return unauthenticated("bad token", "InvalidAuthenticationToken");
    core::Verified verified;
    verified.object_id = token.substr(0, token.find('@'));
    verified.tenant_id = token.find('@') == token.npos ? "home" : token.substr(token.find('@') + 1);
    return verified;
  }
  int asked = 0;
};

class OnlyOwner final : public core::Authorizer {
 public:
  Result<core::Allowed> authorize(const core::Access& access) override {
    last_scope = access.scope;
    if (access.principal.object_id() == "owner") return core::Allowed{"role-1", "assignment-1"};
    return permission_denied("not you");
  }
  std::string last_scope;
};

// Keeps in memory what it is told.
class KeptAudit final : public core::Audit {
 public:
  Result<void> record(core::AuditEvent event) override {
    TRY(ready());
    events.push_back(std::move(event));
    return {};
  }
  Result<void> record_first(core::AuditEvent event) override { return record(std::move(event)); }
  Result<core::AuditTicket> begin(core::AuditEvent event) override {
    TRY(record(std::move(event)));
    return core::AuditTicket(std::make_shared<size_t>(events.size() - 1));
  }
  Result<void> end(const core::AuditTicket& begun, int status, std::string_view code) override {
    TRY(ready());
    core::AuditEvent& event = events.at(*std::static_pointer_cast<size_t>(begun));
    event.status = status;
    event.code = code;
    return {};
  }
  void note(std::string_view, const std::function<core::AuditEvent()>& event) override {
    noted.push_back(event());
  }
  Result<void> ready() override {
    if (broken) return unavailable("the disk is full", "AuditUnavailable");
    return {};
  }
  Result<std::vector<core::AuditEvent>> find(const core::AuditFilter&) override { return events; }
  std::vector<core::AuditEvent> events, noted;
  bool broken = false;
};

class ChainTest : public ::testing::Test {
 protected:
  ChainTest() {
    installation_.domain = "lazuli.localhost";
    installation_.tenant_id = "home";
    manifests_.resize(1);
    add(http::Method::kGet, "read");
    add(http::Method::kPut, "write");
    add(http::Method::kPost, "listKeys/action");
    add(http::Method::kPatch, "write");
    manifests_[0].routes.back().path_is_secret = true;
    for (const core::Route& route : manifests_[0].routes) EXPECT_TRUE(router_.add(route).ok());
    chain_ = std::make_unique<Chain>(installation_, manifests_, router_,
                                     Authenticators{.bearer = &bearer_}, authorizer_, audit_,
                                     std::vector<core::Guard*>{});
  }

  void add(http::Method method, const std::string& verb) {
    core::Route route;
    route.method = method;
    route.path = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Test.Things/things/{name}";
    route.operation = {"Test.Things/things/" + verb};
    route.operation_id = "Things_" + verb;
    route.handler = [this](core::RequestContext& context) -> Result<http::Response> {
      ++handled_;
      seen_ = context.head().headers;
      recorded_before_ = audit_.events.size();
      return http::Response(200, "done");
    };
    manifests_[0].routes.push_back(std::move(route));
  }

  using Fields = std::vector<std::pair<std::string, std::string>>;
  http::Response send(http::Method method, const Fields& headers, const std::string& query = {}) {
    http::Exchange exchange;
    exchange.head.method = method;
    exchange.head.raw_path = kThing;
    exchange.head.query = query;
    exchange.head.host = "management.lazuli.localhost";
    exchange.head.peer = "192.0.2.7";
    exchange.head.tls = tls_;
    exchange.head.loopback_peer = loopback_peer_;
    for (const auto& [name, value] : headers) exchange.head.headers.add(name, value);
    chain_->place(exchange);
    auto admission = chain_->admit(exchange);
    if (admission.response) return std::move(*admission.response);
    return chain_->handle(exchange);
  }
  static std::string code(const http::Response& response) {
    return cat({std::to_string(response.status), " ",
                (*Json::parse(response.text()))["error"]["code"].text()});
  }

  core::Installation installation_;
  std::vector<core::Manifest> manifests_;
  core::Router router_;
  NamedBearer bearer_;
  OnlyOwner authorizer_;
  KeptAudit audit_;
  std::unique_ptr<Chain> chain_;
  bool tls_ = true, loopback_peer_ = false;
  int handled_ = 0;
  size_t recorded_before_ = 0;
  http::Headers seen_;
};

constexpr const char* kAuthorization = "Authorization";
constexpr const char* kOwner = "Bearer owner";

TEST_F(ChainTest, AuthenticatesOnceAndAuthorizesTheNamedResource) {
  EXPECT_EQ(send(http::Method::kGet, {{kAuthorization, kOwner}}).status, 200);
  EXPECT_EQ(bearer_.asked, 1);
  EXPECT_EQ(authorizer_.last_scope, kThing);
}

TEST_F(ChainTest, TakesNoCredentialInTheClearFromAnotherMachine) {
  tls_ = false;
  EXPECT_EQ(code(send(http::Method::kGet, {{kAuthorization, kOwner}})), "400 HttpsRequired");
  EXPECT_EQ(bearer_.asked, 0);
  loopback_peer_ = true;
  EXPECT_EQ(send(http::Method::kGet, {{kAuthorization, kOwner}}).status, 200);
}

TEST_F(ChainTest, RefusesTwoCredentialsInEveryCombination) {
  struct Case {
    Fields headers;
    const char* query;
  };
  for (const Case& one :
       {Case{{{kAuthorization, kOwner}, {kAuthorization, kOwner}}, ""},
        Case{{{kAuthorization, kOwner}, {"authorization", "SharedKey a:b"}}, ""},
        Case{{{kAuthorization, kOwner}}, "sig=x"}, Case{{{kAuthorization, kOwner}}, "a=b&SIG=x"},
        Case{{{kAuthorization, kOwner}}, "s%69g=x"}, Case{{}, "sig=x&sig=y"},
        Case{{{kAuthorization, kOwner}, {"x-azureml-token", "owner"}, {"x-azureml-token", "owner"}},
             ""}}) {
    EXPECT_EQ(code(send(http::Method::kGet, one.headers, one.query)),
              "400 InvalidAuthenticationInfo")
        << one.query;
  }
  EXPECT_EQ(bearer_.asked, 0) << "none is even looked at";
  EXPECT_EQ(handled_, 0);
}

TEST_F(ChainTest, ASecondTokenMustNameTheSamePrincipalAndTenant) {
  auto with = [&](const std::string& second) {
    return send(http::Method::kGet, {{kAuthorization, kOwner}, {"x-azureml-token", second}});
  };
  EXPECT_EQ(with("owner").status, 200);
  EXPECT_EQ(code(with("other")), "400 InvalidAuthenticationInfo");
  EXPECT_EQ(code(with("owner@elsewhere")), "400 InvalidAuthenticationInfo");
  EXPECT_EQ(code(with("bad")), "401 InvalidAuthenticationToken");
}

TEST_F(ChainTest, TellsAMissingCredentialFromOneItDoesNotKnow) {
  EXPECT_EQ(code(send(http::Method::kGet, {})), "401 AuthenticationFailed");
  EXPECT_EQ(code(send(http::Method::kGet, {{kAuthorization, "word"}})),
            "401 AuthenticationFailedInvalidHeader");
  EXPECT_EQ(code(send(http::Method::kGet, {{kAuthorization, "Basic YTpi"}})),
            "401 AuthenticationFailedInvalidHeader");
}

TEST_F(ChainTest, StripsWhatOnlyTheServerMaySay) {
  send(http::Method::kGet, {{kAuthorization, kOwner},
                            {"X-Lazuli-Principal", "root"},
                            {"x-ms-client-principal-id", "root"},
                            {"x-lazuli-anything", "1"},
                            {"x-ms-client-request-id", "kept"}});
  EXPECT_FALSE(seen_.contains("x-lazuli-principal"));
  EXPECT_FALSE(seen_.contains("x-lazuli-anything"));
  EXPECT_FALSE(seen_.contains("x-ms-client-principal-id"));
  EXPECT_EQ(seen_.get_or("x-ms-client-request-id", ""), "kept");
}

TEST_F(ChainTest, RecordsAWriteWithWhoWhatWhereAndWhy) {
  EXPECT_EQ(send(http::Method::kPut, {{kAuthorization, kOwner}}, "secret=x").status, 200);
  EXPECT_EQ(recorded_before_, 1u) << "that it was begun";
  ASSERT_EQ(audit_.events.size(), 1u);
  const core::AuditEvent& event = audit_.events.front();
  EXPECT_EQ(event.kind, core::AuditKind::kWrite);
  EXPECT_EQ(event.object_id, "owner");
  EXPECT_EQ(event.operation, "Test.Things/things/write");
  EXPECT_EQ(event.resource, kThing);
  EXPECT_EQ(event.role_id, "role-1");
  EXPECT_EQ(event.assignment_id, "assignment-1");
  EXPECT_EQ(event.peer, "192.0.2.7");
  EXPECT_EQ(event.status, 200);
  EXPECT_EQ(event.path, kThing) << "without the query";
}

TEST_F(ChainTest, RecordsNoPathThatCarriesACredential) {
  EXPECT_EQ(send(http::Method::kPatch, {{kAuthorization, kOwner}}).status, 200);
  ASSERT_EQ(audit_.events.size(), 1u);
  EXPECT_EQ(audit_.events.front().path, manifests_[0].routes.back().path);
}

TEST_F(ChainTest, RecordsReleasesAndCountsReads) {
  send(http::Method::kPost, {{kAuthorization, kOwner}});
  ASSERT_EQ(audit_.events.size(), 1u);
  EXPECT_EQ(audit_.events.front().kind, core::AuditKind::kRelease);
  send(http::Method::kGet, {{kAuthorization, kOwner}});
  EXPECT_EQ(audit_.events.size(), 1u);
  ASSERT_EQ(audit_.noted.size(), 1u);
  EXPECT_EQ(audit_.noted.front().kind, core::AuditKind::kRead);
}

TEST_F(ChainTest, RecordsDenialsBeforeItTellsThem) {
  EXPECT_EQ(code(send(http::Method::kGet, {{kAuthorization, "Bearer stranger"}})),
            "403 AuthorizationFailed");
  EXPECT_EQ(code(send(http::Method::kGet, {{kAuthorization, "Bearer bad"}})),
            "401 InvalidAuthenticationToken");
  ASSERT_EQ(audit_.events.size(), 2u);
  EXPECT_EQ(audit_.events[0].kind, core::AuditKind::kDenial);
  EXPECT_EQ(audit_.events[0].object_id, "stranger");
  EXPECT_EQ(audit_.events[0].code, "AuthorizationFailed");
  EXPECT_EQ(audit_.events[1].object_id, "");
  EXPECT_EQ(audit_.events[1].status, 401);
}

TEST_F(ChainTest, BeginsNothingThatCannotBeRecorded) {
  audit_.broken = true;
  EXPECT_EQ(code(send(http::Method::kPut, {{kAuthorization, kOwner}})), "503 AuditUnavailable");
  EXPECT_EQ(code(send(http::Method::kPost, {{kAuthorization, kOwner}})), "503 AuditUnavailable");
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(send(http::Method::kGet, {{kAuthorization, kOwner}}).status, 200);
  EXPECT_EQ(send(http::Method::kGet, {{kAuthorization, "Bearer stranger"}}).status, 403);
}

}  // namespace
}  // namespace lazuli::server
