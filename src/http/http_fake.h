// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/x509.h"
#include "http/client.h"
#include "http/server.h"
#include "http/tunnel.h"

namespace lazuli::http {

// Certificates of an authority made for the test.
class TestCertificates final : public CertificateSource {
 public:
  TestCertificates();
  Result<Pem> certificate(const std::string& name) override;
  ~TestCertificates() override;
  const std::string& ca_file() const { return ca_file_; }
  int issued() const { return issued_; }

 private:
  crypto::CertifiedKey authority_;
  std::string ca_file_;
  std::atomic<int> issued_ = 0;
};

// Answers by functions that a test sets before it starts the server.
class TestApplication final : public Application {
 public:
  std::function<Pool(const RequestHead&)> on_place = [](const RequestHead&) {
    return Pool::kControl;
  };
  std::function<Admission(Exchange&)> on_admit = [](Exchange&) { return buffer(1 << 20); };
  std::function<Response(Exchange&)> on_handle = [](Exchange& exchange) {
    return Response(200, exchange.body, "text/plain");
  };
  std::atomic<int> admitted = 0;
  std::atomic<int> handled = 0;
  std::atomic<int> rejected = 0;

  static Admission buffer(uint64_t bytes_max);
  static Admission none() { return {}; }
  static Admission sink(Exchange& exchange, std::unique_ptr<BodySink> sink, uint64_t bytes_max);

  Placement place(Exchange& exchange) override { return {on_place(exchange.head), late}; }
  Admission admit(Exchange& exchange) override;
  Response handle(Exchange& exchange) override;
  Response reject(Exchange& exchange, const Error& error) override;
  Response overloaded(Exchange& exchange) override;
  const LateAnswer* late = nullptr;
};

class TestProxy final : public ProxyPolicy {
 public:
  bool is_own(const std::string& host) const override { return host.ends_with("lazuli.localhost"); }
  std::string parent() const override { return parent_; }
  std::string parent_;
};

// Leads every foreign name to an address of the test.
class TestEgress final : public Egress {
 public:
  explicit TestEgress(Lookup lookup) : lookup_(std::move(lookup)) {}
  Result<void> check(const std::string&, uint16_t) const override { return success(); }
  Result<std::vector<SocketAddress>> addresses(const std::string& host, uint16_t port) override {
    return lookup_(host, port);
  }
  Result<std::vector<SocketAddress>> parent(const std::string& host, uint16_t port) override {
    return lookup_(host, port);
  }

 private:
  const Lookup lookup_;
};

// A server on a free loopback port.
class TestServer {
 public:
  TestServer();
  ~TestServer();
  void start();  // with `options`, `application`, `egress`
  const std::string& address() const { return bound_.front(); }
  const std::vector<std::string>& bound() const { return bound_; }
  std::unique_ptr<Client> client(std::string connect_to = {});
  Server& server() { return *server_; }

  ServerOptions options;
  TestApplication application;
  TestCertificates certificates;
  TestProxy proxy;
  std::unique_ptr<Egress> egress;

 private:
  std::unique_ptr<Server> server_;
  std::vector<std::string> bound_;
};

// A blocking socket that sends exactly what a test says. Reads give up after twenty seconds.
class RawSocket {
 public:
  explicit RawSocket(const std::string& address);
  void send(std::string_view bytes);
  // One response: its head, and content by Content-Length.
  std::string read_response();
  std::string read_until(std::string_view end);  // including it
  std::string read_all();                        // until the peer closes
  bool is_closed();                              // the peer closed and sent nothing more
  void shut_down();                              // sends no more
  int fd() const { return fd_.get(); }

 private:
  bool fill();
  Fd fd_;
  std::string received_;
};

}  // namespace lazuli::http
