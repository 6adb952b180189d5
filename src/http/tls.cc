// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "base/log.h"
#include "base/strings.h"
#include "base/time.h"
#include "http/server.h"
#include "http/socket.h"

namespace lazuli::http {
namespace {

template <auto Function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    Function(object);
  }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Free<SSL_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using MethodPtr = std::unique_ptr<BIO_METHOD, Free<BIO_meth_free>>;

constexpr auto kCertificateLife = std::chrono::hours(1);  // then the source is asked again
constexpr size_t kCertificatesMax = 4096;
constexpr unsigned char kAlpn[] = "\x08http/1.1";
constexpr char kCiphers12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

std::string take_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof(line));
    text += text.empty() ? line : cat({"; ", line});
  }
  return text.empty() ? "the connection was closed" : text;
}

Error tls_error(std::string_view what) { return internal_error(cat({what, ": ", take_errors()})); }

// What OpenSSL reads from and writes to: bytes received before TLS began, then the socket. Its own
// socket BIO would raise SIGPIPE.
struct Wire {
  int fd;
  std::string received;
  size_t taken = 0;
  bool drained = false;
  bool ended = false;
};

Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int wire_read(BIO* bio, char* out, int size) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (wire.taken < wire.received.size()) {
    const size_t count = wire.received.copy(out, static_cast<size_t>(size), wire.taken);
    wire.taken += count;
    return static_cast<int>(count);
  }
  ssize_t count;
  do {
    count = recv(wire.fd, out, static_cast<size_t>(size), 0);
  } while (count < 0 && errno == EINTR);
  wire.drained = count < size;
  wire.ended = count == 0;
  if (count < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

int wire_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t count;
  do {
    count = send(wire_of(bio).fd, data, static_cast<size_t>(size), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long wire_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return wire_of(bio).ended ? 1 : 0;
  return 0;
}

Result<MethodPtr> make_wire_method() {
  MethodPtr method(BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "lazuli socket"));
  if (!method) return tls_error("prepare TLS");
  BIO_meth_set_read(method.get(), wire_read);
  BIO_meth_set_write(method.get(), wire_write);
  BIO_meth_set_ctrl(method.get(), wire_control);
  BIO_meth_set_create(method.get(), [](BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  });
  return method;
}

class Stream final : public TlsStream {
 public:
  static Result<std::unique_ptr<Stream>> create(SSL_CTX* context, BIO_METHOD* method, int fd,
                                                std::string received) {
    auto stream = std::unique_ptr<Stream>(new Stream(fd, std::move(received)));
    stream->ssl_.reset(SSL_new(context));
    BIO* bio = BIO_new(method);
    if (!stream->ssl_ || bio == nullptr) {
      BIO_free(bio);
      return tls_error("begin TLS");
    }
    BIO_set_data(bio, &stream->wire_);
    SSL_set_bio(stream->ssl_.get(), bio, bio);
    return stream;
  }

  SSL* ssl() const { return ssl_.get(); }
  const std::string& address() const { return address_; }
  void set_address(std::string address) { address_ = std::move(address); }

  IoStatus handshake() override {
    ERR_clear_error();
    return status(SSL_do_handshake(ssl_.get()));
  }

  Io read(std::span<char> out) override {
    ERR_clear_error();
    Io io;
    io.status = status(SSL_read_ex(ssl_.get(), out.data(), out.size(), &io.bytes));
    io.drained = wire_.drained && SSL_has_pending(ssl_.get()) == 0;
    return io;
  }

  Io write(std::string_view data) override {
    ERR_clear_error();
    Io io;
    io.status = status(SSL_write_ex(ssl_.get(), data.data(), data.size(), &io.bytes));
    return io;
  }

  void close_notify() override {
    ERR_clear_error();
    if (!failed_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  std::string error() const override { return error_; }

 private:
  Stream(int fd, std::string received) : wire_{fd, std::move(received)} {}

  IoStatus status(int result) {
    if (result > 0) return IoStatus::kOk;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return IoStatus::kWantRead;
      case SSL_ERROR_WANT_WRITE:
        return IoStatus::kWantWrite;
      case SSL_ERROR_ZERO_RETURN:
        return IoStatus::kEnd;
      default:
        failed_ = true;
        error_ = verify_error();
        return IoStatus::kError;
    }
  }

  std::string verify_error() const {
    const long code = SSL_get_verify_result(ssl_.get());
    std::string text = take_errors();
    if (code == X509_V_OK || SSL_is_server(ssl_.get()) == 1) return text;
    return cat({"the server's certificate is not accepted: ", X509_verify_cert_error_string(code)});
  }

  Wire wire_;
  SslPtr ssl_;
  std::string address_;
  std::string error_;
  bool failed_ = false;
};

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers12);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof(kAlpn) - 1, in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<ContextPtr> make_certificate_context(const CertificateSource::Pem& pem) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  BioPtr chain(BIO_new_mem_buf(pem.certificate_chain.data(),
                               static_cast<int>(pem.certificate_chain.size())));
  const std::string_view key_pem = pem.private_key.expose();
  BioPtr key_text(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  if (!context || !chain || !key_text) return tls_error("prepare a certificate");
  set_common(context.get());
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);  // TLS 1.2 asks here
  const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!leaf || !key || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return tls_error("use a certificate");
  }
  while (const X509Ptr next{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context.get(), next.get()) != 1) return tls_error("use a chain");
  }
  ERR_clear_error();  // the end of the PEM text
  return context;
}

class ServerSide final : public TlsServer {
 public:
  explicit ServerSide(CertificateSource& certificates) : certificates_(certificates) {}

  Result<void> start() {
    method_ = TRY(make_wire_method());
    context_.reset(SSL_CTX_new(TLS_server_method()));
    if (!context_) return tls_error("prepare TLS");
    set_common(context_.get());
    SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_PRIORITIZE_CHACHA |
                                            SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);  // tickets hold the state
    SSL_CTX_set_num_tickets(context_.get(), 1);
    static constexpr unsigned char kSessions[] = "lazuli";
    SSL_CTX_set_session_id_context(context_.get(), kSessions, sizeof(kSessions) - 1);
    SSL_CTX_set_alpn_select_cb(context_.get(), select_protocol, nullptr);
    SSL_CTX_set_cert_cb(context_.get(), select_certificate, this);
    return success();
  }

  Result<std::unique_ptr<TlsStream>> accept(int fd, std::string received,
                                            const std::string& address) override {
    auto stream = TRY(Stream::create(context_.get(), method_.get(), fd, std::move(received)));
    stream->set_address(address);
    SSL_set_app_data(stream->ssl(), stream.get());
    SSL_set_accept_state(stream->ssl());
    return std::unique_ptr<TlsStream>(std::move(stream));
  }

 private:
  struct Entry {
    ContextPtr context;
    SteadyClock::time_point until;
  };

  static int select_certificate(SSL* ssl, void* argument) {
    const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const auto* stream = static_cast<const Stream*>(SSL_get_app_data(ssl));
    const std::string name = asked != nullptr ? to_lower(asked) : stream->address();
    const auto used = static_cast<ServerSide*>(argument)->use_certificate(ssl, name);
    if (!used.ok()) {
      log::debug("tls", "no certificate", {{"name", name}, {"error", used.error().message}});
    }
    return used.ok() ? 1 : 0;
  }

  Result<void> use_certificate(SSL* ssl, const std::string& name) {
    const auto now = SteadyClock::now();
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(name);
      if (found != entries_.end() && found->second.until > now) {
        SSL_set_SSL_CTX(ssl, found->second.context.get());
        return success();
      }
    }
    const CertificateSource::Pem pem = TRY(certificates_.certificate(name));
    ContextPtr context = TRY(make_certificate_context(pem));
    SSL_set_SSL_CTX(ssl, context.get());
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= kCertificatesMax) entries_.clear();
    entries_[name] = {std::move(context), now + kCertificateLife};
    return success();
  }

  CertificateSource& certificates_;
  MethodPtr method_;
  ContextPtr context_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

class ClientSide final : public TlsClient {
 public:
  Result<void> start(const std::string& ca_file) {
    method_ = TRY(make_wire_method());
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!context_) return tls_error("prepare TLS");
    set_common(context_.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_alpn_protos(context_.get(), kAlpn, sizeof(kAlpn) - 1);
    if (SSL_CTX_load_verify_file(context_.get(), ca_file.c_str()) != 1) {
      return invalid_argument(cat({"read the CA file ", ca_file, ": ", take_errors()}));
    }
    return success();
  }

  Result<std::unique_ptr<TlsStream>> connect(int fd, const std::string& host) override {
    auto stream = TRY(Stream::create(context_.get(), method_.get(), fd, {}));
    SSL* ssl = stream->ssl();
    const bool is_ip = SocketAddress::parse_ip(host, 0).ok();
    const bool ready = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1
                             : SSL_set1_host(ssl, host.c_str()) == 1 &&
                                   SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
    if (!ready) return tls_error("name the server");
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set_connect_state(ssl);
    return std::unique_ptr<TlsStream>(std::move(stream));
  }

 private:
  MethodPtr method_;
  ContextPtr context_;
};

}  // namespace

Result<std::unique_ptr<TlsServer>> TlsServer::create(CertificateSource& certificates) {
  auto server = std::make_unique<ServerSide>(certificates);
  TRY(server->start());
  return std::unique_ptr<TlsServer>(std::move(server));
}

Result<std::unique_ptr<TlsClient>> TlsClient::create(const std::string& ca_file) {
  auto client = std::make_unique<ClientSide>();
  TRY(client->start(ca_file));
  return std::unique_ptr<TlsClient>(std::move(client));
}

}  // namespace lazuli::http
