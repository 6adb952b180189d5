// SPDX-License-Identifier: Apache-2.0
#include "server/quota.h"

#include <gtest/gtest.h>

#include "core/auth.h"
#include "core/service.h"

namespace lazuli::server {
namespace {

struct ServerQuota : testing::Test {
  http::Response ask(http::Method method, const std::string& who) {
    http::Exchange exchange;
    exchange.head.method = method;
    core::Route route;
    core::RequestContext context(exchange, route, installation);
    context.set_params({{"sub", "S"}});
    context.set_principal(core::Authenticator::seal({.object_id = who}));
    auto taken = quota.take(context);
    http::Response response(taken.ok() ? 200 : http_status(taken.error().code));
    quota.tell(context, response);
    return response;
  }
  core::Installation installation;
  Quota quota{{.reads_max = 3, .reads_per_second = 0, .writes_max = 1, .writes_per_second = 0}};
};

TEST_F(ServerQuota, CountsDownForEachCallerAndKind) {
  EXPECT_EQ(ask(http::Method::kGet, "a")
                .headers.get_or("x-ms-ratelimit-remaining-subscription-reads", ""),
            "2");
  EXPECT_EQ(ask(http::Method::kHead, "a")
                .headers.get_or("x-ms-ratelimit-remaining-subscription-reads", ""),
            "1");
  EXPECT_EQ(ask(http::Method::kPut, "a")
                .headers.get_or("x-ms-ratelimit-remaining-subscription-writes", ""),
            "0");
  EXPECT_EQ(ask(http::Method::kPost, "a").status, 429);
  EXPECT_EQ(ask(http::Method::kDelete, "a").status, 200);
  EXPECT_EQ(ask(http::Method::kGet, "b").status, 200);
  EXPECT_EQ(ask(http::Method::kGet, "a").status, 200);
  http::Response refused = ask(http::Method::kGet, "a");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get_or("Retry-After", ""), "1");
}

}  // namespace
}  // namespace lazuli::server
