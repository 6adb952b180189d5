// SPDX-License-Identifier: Apache-2.0
#include "cli/redirect.h"

#include <condition_variable>
#include <mutex>

#include "base/strings.h"
#include "codec/text.h"
#include "http/egress.h"
#include "http/server.h"

namespace lazuli::cli {
namespace {

constexpr const char* kPage =
    "<!doctype html><html lang=\"en\"><title>Lazuli</title>"
    "<p>You are signed in. This page can be closed.</p></html>";
constexpr const char* kFailed =
    "<!doctype html><html lang=\"en\"><title>Lazuli</title>"
    "<p>The sign-in did not succeed. The command line says why.</p></html>";

// Plain HTTP on loopback: nobody asks for a certificate.
class NoCertificates final : public http::CertificateSource {
 public:
  Result<Pem> certificate(const std::string&) override {
    return not_found("there is no certificate here");
  }
};

class NoProxy final : public http::ProxyPolicy {
 public:
  bool is_own(const std::string&) const override { return false; }
  std::string parent() const override { return {}; }
};

class LoopbackRedirect final : public Redirect, private http::Application {
 public:
  explicit LoopbackRedirect(std::string state)
      : state_(std::move(state)), egress_(http::make_egress({.ports = {443}})) {}
  ~LoopbackRedirect() override {
    if (server_) server_->drain(std::chrono::seconds(1));
  }

  Result<void> open() {
    http::ServerOptions options;
    options.listen = {"127.0.0.1:0"};
    options.control_threads = options.data_threads = options.inference_threads = 1;
    options.background_threads = 1;
    options.connections_max = 16;
    server_ = TRY(http::Server::create(options, *this, certificates_, proxy_, *egress_));
    const std::string bound = TRY(server_->start()).front();
    uri_ = "http://localhost" + bound.substr(bound.rfind(':'));
    return {};
  }

  std::string uri() const override { return uri_; }

  Result<std::string> wait_for_code(Duration max) override {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, max, [this] { return answer_.has_value(); }))
      return deadline_exceeded("nobody signed in within five minutes");
    return *answer_;
  }

 private:
  Placement place(http::Exchange&) override { return {}; }

  Admission admit(http::Exchange& exchange) override {
    const auto query = parse_query(exchange.head.query);
    auto value = [&](std::string_view name) -> std::string {
      if (query.ok())
        for (const auto& [key, text] : *query)
          if (key == name) return text;
      return {};
    };
    const std::lock_guard lock(mutex_);
    if (exchange.head.raw_path != "/" || !equal_constant_time(value("state"), state_))
      return {http::Response(404, "not found\n", "text/plain"), {}};
    const std::string code = value("code");
    if (code.empty())
      answer_ = unauthenticated(value("error_description"), value("error"));
    else
      answer_ = code;
    arrived_.notify_all();
    return {http::Response(200, code.empty() ? kFailed : kPage, "text/html; charset=utf-8"), {}};
  }
  http::Response handle(http::Exchange&) override { return http::Response(404); }
  http::Response reject(http::Exchange&, const Error&) override { return http::Response(400); }
  http::Response overloaded(http::Exchange&) override { return http::Response(503); }

  const std::string state_;
  NoCertificates certificates_;
  NoProxy proxy_;
  std::unique_ptr<http::Egress> egress_;
  std::unique_ptr<http::Server> server_;
  std::string uri_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<Result<std::string>> answer_;
};

}  // namespace

Result<std::unique_ptr<Redirect>> Redirect::listen(std::string state) {
  auto redirect = std::make_unique<LoopbackRedirect>(std::move(state));
  TRY(redirect->open());
  return std::unique_ptr<Redirect>(std::move(redirect));
}

}  // namespace lazuli::cli
