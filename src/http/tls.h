// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lazuli::http {

class CertificateSource;

enum class IoStatus { kOk, kWantRead, kWantWrite, kEnd, kError };

// The outcome of one non-blocking read or write. `drained`: a read took all that was there, so that
// another try before the next readiness event would be in vain.
struct Io {
  IoStatus status = IoStatus::kOk;
  size_t bytes = 0;
  bool drained = false;
};

// TLS over a non-blocking socket that the caller owns and keeps open. One thread at a time.
class TlsStream {
 public:
  virtual ~TlsStream() = default;
  virtual IoStatus handshake() = 0;  // repeat until kOk or kError
  virtual Io read(std::span<char> out) = 0;
  virtual Io write(std::string_view data) = 0;
  virtual void close_notify() = 0;        // tells the peer that nothing more comes
  virtual std::string error() const = 0;  // why the last call gave kError
};

// The server side: TLS 1.2 and 1.3, ALPN http/1.1, a certificate for each name asked for, sessions
// resumed by tickets. Thread-safe.
class TlsServer {
 public:
  static Result<std::unique_ptr<TlsServer>> create(CertificateSource& certificates);
  virtual ~TlsServer() = default;
  // `received` is what was already read from the socket; `address` names the certificate for
  // clients that send no name.
  virtual Result<std::unique_ptr<TlsStream>> accept(int fd, std::string received,
                                                    const std::string& address) = 0;
};

// The client side: trusts `ca_file` alone and verifies the server's name. Thread-safe.
class TlsClient {
 public:
  static Result<std::unique_ptr<TlsClient>> create(const std::string& ca_file);
  virtual ~TlsClient() = default;
  virtual Result<std::unique_ptr<TlsStream>> connect(int fd, const std::string& host) = 0;
};

}  // namespace lazuli::http
