// SPDX-License-Identifier: Apache-2.0
#include "server/testing.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "base/ids.h"
#include "base/strings.h"
#include "core/root_key.h"
#include "core/testing.h"
#include "services/identity/api.h"

namespace lazuli::server::testing {
namespace {

// Built once for all tests of this process, like a machine's.
void share_environments() {
  static const std::string folder =
      (std::filesystem::temp_directory_path() / ("lazuli-test-environments-" + random_name(8)));
  static const struct Remove {
    ~Remove() { std::filesystem::remove_all(folder); }
  } remove;
  ::setenv("LAZULI_ENVIRONMENTS", folder.c_str(), 1);
}

// As the HTTP server does it: admitted on the head alone, then the body, then the handler.
http::Response serve(Chain& chain, http::Exchange& exchange, const std::string& body) {
  chain.place(exchange);
  http::Application::Admission admission = chain.admit(exchange);
  if (admission.response) return std::move(*admission.response);
  if (body.size() > admission.plan.bytes_max && admission.plan.kind != http::BodyPlan::Kind::kNone)
    return chain.reject(exchange, Error{Code::kPayloadTooLarge, "", "too large", {}, {}});
  if (admission.plan.kind == http::BodyPlan::Kind::kBuffer) exchange.body = body;
  if (admission.plan.kind == http::BodyPlan::Kind::kSink) {
    auto taken = exchange.sink->append(std::as_bytes(std::span(body)));
    if (!taken.ok()) return chain.reject(exchange, taken.error());
  }
  return chain.handle(exchange);
}

std::string audience_of(const std::string& host, const std::string& domain) {
  if (host.find(".blob.core") != std::string::npos) return "https://storage.azure.com";
  if (host == "graph") return cat({"https://graph.", domain});
  return cat({"https://", host.ends_with("api.ml.azure") ? "ml.azure" : "management", ".", domain});
}

}  // namespace

WholeServer::WholeServer(House::Options options)
    : folder_(std::filesystem::temp_directory_path() / ("lazuli-whole-" + random_name(10))),
      options_(std::move(options)) {
  share_environments();
  data_dir_ = std::make_unique<DataDir>(DataDir::open(folder_).value());
  installation_ = std::make_unique<core::Installation>(load_installation(*data_dir_, "").value());
  // Beside the tests themselves.
  installation_->executable =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lazuli_supervisor";
  root_key_ = core::load_or_create_root_key(folder_).value();
  vault_ = core::make_vault(root_key_);
  auto certificates = Certificates::open(folder_, installation_->domain, *vault_).value();
  EXPECT_TRUE(certificates->write_bundle(installation_->ca_bundle).ok());
}

WholeServer::~WholeServer() {
  stop();
  std::filesystem::remove_all(folder_);
}

Result<void> WholeServer::start() {
  house_ = TRY(House::open(*installation_, root_key_, *vault_, options_));
  return house_->start();
}

void WholeServer::stop() {
  if (house_) house_->stop();
  house_.reset();
}

std::string WholeServer::workspace() const {
  return cat({"/subscriptions/", installation_->subscription_id, "/resourceGroups/",
              installation_->resource_group,
              "/providers/Microsoft.MachineLearningServices/workspaces/",
              installation_->workspace});
}

Answer WholeServer::call(const Call& call) {
  http::Exchange exchange;
  const std::string host =
      call.host.empty() ? "127.0.0.1" : cat({call.host, ".", installation_->domain});
  exchange.head = core::testing::request_head(call.method, host, call.target, call.headers);
  exchange.head.peer = call.peer;
  exchange.head.content_length = call.body.size();
  std::string bearer = token(call);
  if (!bearer.empty()) exchange.head.headers.add("Authorization", "Bearer " + bearer);
  http::Response response = serve(house_->chain(), exchange, call.body);
  Answer answer{response.status, response.headers, {}};
  answer.body = core::testing::text_of(response);
  return answer;
}

Answer WholeServer::put_blob(const std::string& path, std::string content) {
  return call({.method = http::Method::kPut,
               .host = blob_host(),
               .target = path,
               .body = std::move(content),
               .headers = {{"x-ms-version", "2024-11-04"}, {"x-ms-blob-type", "BlockBlob"}}});
}

Answer WholeServer::get_blob(const std::string& path) {
  return call({.host = blob_host(), .target = path, .headers = {{"x-ms-version", "2024-11-04"}}});
}

std::string WholeServer::object_id(const std::string& principal) {
  return house_->identity().ensure_service_principal(principal).value().object_id;
}

std::string WholeServer::token(const Call& asked) {
  const std::string audience = audience_of(asked.host, installation_->domain);
  if (!asked.principal.empty())
    return std::string(house_->identity()
                           .issue_token({.object_id = object_id(asked.principal),
                                         .audience = audience,
                                         .grants = asked.grants})
                           .value()
                           .expose());
  if (asked.caller == Caller::kNobody) return {};
  if (asked.caller == Caller::kAdministrator) return administrator_token(audience);
  return call({.method = http::Method::kPost,
               .target = workspace() + "/listNotebookAccessToken?api-version=2024-04-01"})
      .json()["accessToken"]
      .text();
}

std::string WholeServer::administrator_token(const std::string& audience) {
  std::string& known = tokens_[audience];
  if (!known.empty()) return known;
  const Json file = Json::parse(read_file(folder_ + "/administrator.json").value()).value();
  Call login{.method = http::Method::kPost,
             .host = "login",
             .target = cat({"/", installation_->tenant_id, "/oauth2/v2.0/token"}),
             .body = cat({"grant_type=client_credentials&client_id=", file["clientId"].text(),
                          "&client_secret=", file["clientSecret"].text(), "&scope=", audience,
                          "/.default"}),
             .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
             .caller = Caller::kNobody};
  const Answer answer = call(login);
  known = answer.json()["access_token"].text();
  EXPECT_FALSE(known.empty()) << answer.body;
  return known;
}

}  // namespace lazuli::server::testing
