// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"
#include "core/arm.h"
#include "core/operations_store.h"
#include "core/testing.h"
#include "core/validate.h"
#include "crypto/random.h"

namespace lazuli::core::testing {
namespace {

constexpr const char* kDomain = "lazuli.localhost";

http::RequestHead head_of(const Call& call, const Installation& installation) {
  std::string host = "management." + installation.domain;
  for (const auto& [name, value] : call.host_params)
    if (name == "account") host = value + ".blob.core." + installation.domain;
  if (call.host == Host::kApi) host = "local.api.ml.azure." + installation.domain;
  http::RequestHead head = request_head(call.method, std::move(host), call.target, call.headers);
  head.content_length = call.body.size();
  return head;
}

}  // namespace

class TestHouse::AllowAll : public Authorizer {
 public:
  Result<Allowed> authorize(const Access&) override { return Allowed{}; }
};

// Groups are taken to be there, where the service that keeps them is not under test.
class TestHouse::AnyGroup : public ResourceGroups {
 public:
  Result<void> check(db::Tx&, const std::string&, const std::string&) override { return {}; }
};

// Requests of one service under test to another: routed, everything permitted.
class TestHouse::Inner : public Dispatcher {
 public:
  explicit Inner(TestHouse& house) : house_(house) {}
  http::Response send(const Principal& caller, const InnerRequest& request) override {
    return house_.answer({.method = request.method,
                          .target = request.target,
                          .body = request.body,
                          .headers = request.headers},
                         caller);
  }
  Result<void> preflight(const Principal&, const InnerRequest& request) override {
    const std::string_view target = request.target;
    const size_t mark = target.find('?');
    const std::string_view query = mark == target.npos ? "" : target.substr(mark + 1);
    TRY(house_.router_.find(Host::kManagement, request.method, target.substr(0, mark), query));
    return {};
  }
  const std::vector<Manifest>& manifests() const override { return house_.manifests_; }

 private:
  TestHouse& house_;
};

TestHouse::TestHouse(db::testing::Driver driver, std::vector<Service*> services)
    : services_(std::move(services)),
      folder_(std::filesystem::temp_directory_path() / ("lazuli-house-" + new_uuid())),
      authorizer_(std::make_unique<AllowAll>()),
      groups_(std::make_unique<AnyGroup>()),
      inner_(std::make_unique<Inner>(*this)) {
  std::filesystem::create_directories(folder_);
  installation.data_dir = folder_;
  installation.domain = kDomain;
  installation.region = "local";
  installation.cloud_name = "Lazuli";
  installation.tenant_id = new_uuid();
  installation.subscription_id = new_uuid();
  installation.resource_group = "lazuli";
  installation.workspace = "main";
  installation.storage_account = "lazulitest";

  std::vector<db::Migration> migrations = operations_migrations();
  auto add = [&](const std::vector<db::Migration>& more) {
    migrations.insert(migrations.end(), more.begin(), more.end());
  };
  add(StoredEvents::migrations());
  manifests_.resize(services_.size());
  for (size_t i = 0; i < services_.size(); ++i) {
    services_[i]->describe(manifests_[i]);
    add(manifests_[i].migrations);
  }
  for (const Manifest& manifest : manifests_)
    for (const Route& route : manifest.routes) {
      auto added = router_.add(route);
      EXPECT_TRUE(added.ok()) << added.error().message;
    }
  auto valid = validate(manifests_);
  EXPECT_TRUE(valid.ok()) << valid.error().message;
  database_ = std::make_unique<db::testing::TestDatabase>(driver, migrations);
  SecretBytes key = crypto::random_secret(32);
  vault_ = make_vault(key);
  bytes_ = bytes::open_local(folder_ / "bytes", std::move(key)).value();
  audit_ = open_audit({.folder = folder_ / "audit"}, *vault_).value();
  start();
}

TestHouse::~TestHouse() {
  stop();
  bytes_.reset();
  audit_.reset();
  database_.reset();
  std::filesystem::remove_all(folder_);
}

void TestHouse::start() {
  operations_ = make_operations(database_->handle("core"));
  events_ = StoredEvents::create(database_->handle("core"));
  egress_ = http::make_egress({});
  for (size_t i = 0; i < services_.size(); ++i) {
    ServiceContext context{installation, database_->handle(manifests_[i].service),
                           *bytes_,      *authorizer_,
                           *operations_, *events_,
                           *vault_,      *inner_,
                           *audit_,      *groups_,
                           *egress_};
    auto started = services_[i]->start(context);
    EXPECT_TRUE(started.ok()) << started.error().message;
  }
  events_->start();
}

void TestHouse::stop() {
  events_->stop();
  for (size_t i = services_.size(); i-- > 0;) services_[i]->stop();
}

void TestHouse::restart() {
  stop();
  start();
}

http::Response TestHouse::call(const Call& call) {
  return answer(call, Authenticator::seal(call.caller));
}

http::Response TestHouse::answer(const Call& call, const Principal& caller) {
  http::Exchange exchange;
  exchange.head = head_of(call, installation);
  const http::RequestHead& head = exchange.head;
  auto match = router_.find(call.host, head.method, head.raw_path, head.query);
  const bool head_only = head.method == http::Method::kHead;
  if (!match.ok()) return error_response(ErrorShape::kPlain, match.error(), "id", head_only);
  const Route& route = *match->route;
  RequestContext context(exchange, route, installation);
  for (const auto& [name, value] : call.host_params) match->params[name] = value;
  context.set_params(std::move(match->params));
  if (!route.anonymous) context.set_principal(caller);

  auto run = [&]() -> Result<http::Response> {
    if (!route.handler) return unimplemented(route.operation_id);
    if (route.sink) {
      exchange.sink = TRY(route.sink(context));
      TRY(exchange.sink->append(std::as_bytes(std::span(call.body))));
    } else {
      exchange.body = call.body;
    }
    return route.handler(context);
  };
  Result<http::Response> answer = run();
  if (answer.ok()) return std::move(*answer);
  return error_response(route.errors, answer.error(), context.request_id(), head_only);
}

http::RequestHead request_head(http::Method method, std::string host, const std::string& target,
                               const std::vector<std::pair<std::string, std::string>>& headers) {
  http::RequestHead head;
  head.method = method;
  head.method_text = http::to_string(method);
  head.target = target;
  size_t mark = target.find('?');
  head.raw_path = target.substr(0, mark);
  if (mark != std::string::npos) head.query = target.substr(mark + 1);
  head.host = std::move(host);
  head.port = 8443;
  head.tls = true;
  head.loopback_peer = true;
  head.peer = "127.0.0.1";
  for (const auto& [name, value] : headers) head.headers.add(name, value);
  return head;
}

std::string text_of(http::Response& response) {
  if (auto* text = std::get_if<std::string>(&response.body)) return *text;
  auto& stream = std::get<http::StreamBody>(response.body);
  std::string all;
  std::vector<std::byte> buffer(1000);
  for (;;) {
    auto count = stream.source->read(buffer);
    EXPECT_TRUE(count.ok());
    if (!count.ok() || *count == 0) return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

}  // namespace lazuli::core::testing
