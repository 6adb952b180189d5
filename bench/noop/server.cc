// SPDX-License-Identifier: Apache-2.0
// The real server with a route that does nothing: on the I/O thread ("/"), and through a pool
// ("/pool"). Usage: bench_noop PORT; it runs until it is killed.
#include <unistd.h>

#include <cstdio>

#include "crypto/x509.h"
#include "http/egress.h"
#include "http/server.h"

namespace {

namespace crypto = lazuli::crypto;
namespace http = lazuli::http;
using lazuli::Error;
using lazuli::http_status;
using lazuli::Result;
using lazuli::success;

class NoopApplication final : public http::Application {
 public:
  Placement place(http::Exchange& exchange) override {
    return {exchange.head.raw_path == "/pool" ? http::Pool::kControl : http::Pool::kInline};
  }
  Admission admit(http::Exchange&) override { return {}; }
  http::Response handle(http::Exchange&) override {
    return http::Response(200, "ok", "text/plain");
  }
  http::Response reject(http::Exchange&, const Error& error) override {
    return http::Response(http_status(error.code), error.message);
  }
  http::Response overloaded(http::Exchange&) override { return http::Response(503); }
};

class OneCertificate final : public http::CertificateSource {
 public:
  Result<Pem> certificate(const std::string&) override {
    auto leaf = TRY(crypto::issue_leaf(authority_, {{"localhost"}, {"127.0.0.1"}}));
    return Pem{leaf.certificate_pem, std::move(leaf.key_pem)};
  }

 private:
  crypto::CertifiedKey authority_ = *crypto::make_authority({"Benchmark", "localhost"});
};

class NoProxy final : public http::ProxyPolicy {
 public:
  bool is_own(const std::string&) const override { return false; }
  std::string parent() const override { return {}; }
};

Result<void> serve(const std::string& port) {
  NoopApplication application;
  OneCertificate certificates;
  NoProxy proxy;
  http::ServerOptions options;
  options.listen = {"127.0.0.1:" + port};
  const auto egress = http::make_egress({});
  const auto server = TRY(http::Server::create(options, application, certificates, proxy, *egress));
  TRY(server->start());
  pause();
  return success();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto served = serve(argv[1]);
  if (!served.ok()) std::fprintf(stderr, "%s\n", served.error().message.c_str());
  return served.ok() ? 0 : 1;
}
