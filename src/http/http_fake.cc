// SPDX-License-Identifier: Apache-2.0
#include "http/http_fake.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "base/ids.h"
#include "base/strings.h"

namespace lazuli::http {

TestCertificates::TestCertificates()
    : authority_(*crypto::make_authority({"Test authority", "lazuli.localhost"})),
      ca_file_(::testing::TempDir() + random_name(12) + ".pem") {
  std::ofstream(ca_file_) << authority_.certificate_pem;
}

TestCertificates::~TestCertificates() { unlink(ca_file_.c_str()); }

Result<CertificateSource::Pem> TestCertificates::certificate(const std::string& name) {
  ++issued_;
  crypto::LeafOptions options;
  const bool is_ip = SocketAddress::parse_ip(name, 0).ok();
  (is_ip ? options.ip_addresses : options.dns_names).push_back(name);
  auto leaf = TRY(crypto::issue_leaf(authority_, options));
  return Pem{leaf.certificate_pem, std::move(leaf.key_pem)};
}

Application::Admission TestApplication::buffer(uint64_t bytes_max) {
  return {std::nullopt, {BodyPlan::Kind::kBuffer, bytes_max}};
}

Application::Admission TestApplication::sink(Exchange& exchange, std::unique_ptr<BodySink> sink,
                                             uint64_t bytes_max) {
  exchange.sink = std::move(sink);
  return {std::nullopt, {BodyPlan::Kind::kSink, bytes_max}};
}

Application::Admission TestApplication::admit(Exchange& exchange) {
  ++admitted;
  return on_admit(exchange);
}

Response TestApplication::handle(Exchange& exchange) {
  ++handled;
  return on_handle(exchange);
}

Response TestApplication::reject(Exchange&, const Error& error) {
  ++rejected;
  return Response(http_status(error.code), error.message, "text/plain");
}

Response TestApplication::overloaded(Exchange&) {
  return Response(503, "busy", "text/plain").header("Retry-After", "1");
}

TestServer::TestServer() {
  options.listen = {"127.0.0.1:0"};
  options.control_threads = 4;
  options.data_threads = 4;
  options.background_threads = 2;
  egress = make_egress({.ports = {443}});
}

TestServer::~TestServer() { server_.reset(); }

void TestServer::start() {
  auto server = Server::create(options, application, certificates, proxy, *egress);
  ASSERT_TRUE(server.ok()) << server.error().message;
  server_ = std::move(*server);
  auto bound = server_->start();
  ASSERT_TRUE(bound.ok()) << bound.error().message;
  bound_ = std::move(*bound);
}

std::unique_ptr<Client> TestServer::client(std::string connect_to) {
  ClientOptions client_options;
  client_options.ca_file = certificates.ca_file();
  client_options.connect_to = connect_to.empty() ? address() : connect_to;
  client_options.timeout = std::chrono::seconds(10);
  client_options.response_bytes_max = 256u << 20;
  return std::move(*Client::create(client_options));
}

RawSocket::RawSocket(const std::string& address) {
  const SocketAddress target = *SocketAddress::parse(address);
  fd_ = Fd(socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(fd_.get(), target.data(), target.size()), 0) << address;
}

void RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // the test sees it in what comes back
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

bool RawSocket::fill() {
  pollfd entry = {fd_.get(), POLLIN, 0};
  if (poll(&entry, 1, 20000) <= 0) {
    ADD_FAILURE() << "nothing came; so far: " << received_;
    return false;
  }
  char buffer[65536];
  const ssize_t count = recv(fd_.get(), buffer, sizeof(buffer), 0);
  if (count > 0) received_.append(buffer, static_cast<size_t>(count));
  return count > 0;
}

std::string RawSocket::read_until(std::string_view end) {
  size_t at;
  while ((at = received_.find(end)) == std::string::npos) {
    if (!fill()) return std::exchange(received_, {});
  }
  std::string text = received_.substr(0, at + end.size());
  received_.erase(0, at + end.size());
  return text;
}

std::string RawSocket::read_response() {
  std::string response = read_until("\r\n\r\n");
  constexpr std::string_view kLength = "Content-Length: ";
  const size_t at = response.find(kLength);
  if (at == std::string::npos) return response;
  const size_t size = std::stoul(response.substr(at + kLength.size()));
  while (received_.size() < size && fill()) {
  }
  response += received_.substr(0, size);
  received_.erase(0, size);
  return response;
}

std::string RawSocket::read_all() {
  while (fill()) {
  }
  return std::exchange(received_, {});
}

bool RawSocket::is_closed() { return received_.empty() && !fill() && received_.empty(); }

void RawSocket::shut_down() { shutdown(fd_.get(), SHUT_WR); }

}  // namespace lazuli::http
