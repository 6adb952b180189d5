// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSession>;

// What a client offers.
struct Offer {
  int version_min = TLS1_2_VERSION, version_max = TLS1_3_VERSION;
  std::string ciphers = "DEFAULT";
  std::string protocols = "\x08http/1.1";  // as ALPN writes them; empty: none are named
  std::string name = "management.lazuli.localhost";
  SSL_SESSION* session = nullptr;  // to be resumed
};

// A client of OpenSSL's own, which says what came of its offer.
class Peer {
 public:
  Peer(TestServer& server, const Offer& offer) : socket_(server.address()) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context_, offer.version_min);
    SSL_CTX_set_max_proto_version(context_, offer.version_max);
    EXPECT_EQ(SSL_CTX_set_cipher_list(context_, offer.ciphers.c_str()), 1);
    SSL_CTX_load_verify_file(context_, server.certificates.ca_file().c_str());
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT);
    ssl_ = SSL_new(context_);
    const auto* protocols = reinterpret_cast<const unsigned char*>(offer.protocols.data());
    if (!offer.protocols.empty())
      SSL_set_alpn_protos(ssl_, protocols, static_cast<unsigned>(offer.protocols.size()));
    SSL_set1_host(ssl_, offer.name.c_str());
    SSL_set_tlsext_host_name(ssl_, offer.name.c_str());
    if (offer.session != nullptr) SSL_set_session(ssl_, offer.session);
    SSL_set_fd(ssl_, socket_.fd());
    ERR_clear_error();
    connected_ = SSL_connect(ssl_) == 1;
    if (!connected_) reason_ = ERR_GET_REASON(ERR_get_error());
  }
  ~Peer() {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return connected_; }
  int reason() const { return reason_; }  // OpenSSL's, why it is not connected
  std::string version() const { return SSL_get_version(ssl_); }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  // The answer to a request; TLS 1.3 hands out its tickets with it.
  std::string get() {
    const std::string request = "GET /x HTTP/1.1\r\nHost: management.lazuli.localhost\r\n\r\n";
    SSL_write(ssl_, request.data(), static_cast<int>(request.size()));
    std::string answer;
    char buffer[4096];
    while (answer.find("\r\n\r\n") == std::string::npos) {
      const int count = SSL_read(ssl_, buffer, sizeof buffer);
      if (count <= 0) break;
      answer.append(buffer, static_cast<size_t>(count));
    }
    return answer;
  }
  Session session() { return Session(SSL_get1_session(ssl_)); }

 private:
  RawSocket socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
  int reason_ = 0;
};

// One version alone: its number and its name.
class HttpTls : public testing::TestWithParam<std::pair<int, const char*>> {
 protected:
  void SetUp() override { server_.start(); }
  Offer offer() const { return {.version_min = GetParam().first, .version_max = GetParam().first}; }
  TestServer server_;
};

INSTANTIATE_TEST_SUITE_P(Versions, HttpTls,
                         testing::Values(std::pair(TLS1_2_VERSION, "TLSv1.2"),
                                         std::pair(TLS1_3_VERSION, "TLSv1.3")),
                         [](const auto& info) { return info.index == 0 ? "Tls12" : "Tls13"; });

TEST_P(HttpTls, IsSpoken) {
  Peer peer(server_, offer());
  ASSERT_TRUE(peer.connected()) << ERR_reason_error_string(
      static_cast<unsigned long>(peer.reason()));
  EXPECT_EQ(peer.version(), GetParam().second);
  EXPECT_EQ(peer.protocol(), "http/1.1");
  EXPECT_TRUE(peer.get().starts_with("HTTP/1.1 200"));
}

TEST_P(HttpTls, ChoosesTheProtocolItSpeaks) {
  Offer both = offer();
  both.protocols = "\x02h2\x08http/1.1";
  EXPECT_EQ(Peer(server_, both).protocol(), "http/1.1");
  Offer none = offer();
  none.protocols = "";
  Peer unnamed(server_, none);
  EXPECT_TRUE(unnamed.connected());
  EXPECT_EQ(unnamed.protocol(), "");
  Offer other = offer();
  other.protocols = "\x02h2";
  Peer refused(server_, other);
  EXPECT_FALSE(refused.connected());
  EXPECT_EQ(refused.reason(), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
}

TEST_P(HttpTls, ResumesASession) {
  Peer first(server_, offer());
  ASSERT_TRUE(first.connected());
  EXPECT_FALSE(first.resumed());
  EXPECT_TRUE(first.get().starts_with("HTTP/1.1 200"));
  const Session session = first.session();
  Offer again = offer();
  again.session = session.get();
  Peer second(server_, again);
  ASSERT_TRUE(second.connected());
  EXPECT_TRUE(second.resumed());
  EXPECT_EQ(second.protocol(), "http/1.1");
  EXPECT_TRUE(second.get().starts_with("HTTP/1.1 200"));
}

TEST_P(HttpTls, HasACertificateForEachName) {
  for (const char* name : {"login.lazuli.localhost", "a.blob.core.lazuli.localhost"}) {
    Offer named = offer();
    named.name = name;
    EXPECT_TRUE(Peer(server_, named).connected()) << name;
  }
  EXPECT_EQ(server_.certificates.issued(), 2);
}

class HttpTlsRefusal : public testing::Test {
 protected:
  void SetUp() override { server_.start(); }
  TestServer server_;
};

TEST_F(HttpTlsRefusal, OfOlderVersions) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    // The security level of this side must not be what refuses.
    Peer old(server_,
             {.version_min = version, .version_max = version, .ciphers = "ALL:@SECLEVEL=0"});
    EXPECT_FALSE(old.connected());
    EXPECT_EQ(old.reason(), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
  }
  EXPECT_TRUE(Peer(server_, {}).connected());
}

TEST_F(HttpTlsRefusal, OfCiphersWithoutForwardSecrecyOrAuthentication) {
  for (const char* ciphers :
       {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"}) {
    Peer weak(server_, {.version_max = TLS1_2_VERSION, .ciphers = ciphers});
    EXPECT_FALSE(weak.connected()) << ciphers;
    EXPECT_EQ(weak.reason(), SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE) << ciphers;
  }
}

TEST_F(HttpTlsRefusal, OfANameThatTheAuthorityMayNotVouchFor) {
  EXPECT_FALSE(Peer(server_, {.name = "example.com"}).connected());
}

}  // namespace
}  // namespace lazuli::http
