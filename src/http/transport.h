// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "http/socket.h"
#include "http/tls.h"

namespace lazuli::http {

// A non-blocking byte stream: a socket, plain until start_tls(). One thread at a time.
class Transport {
 public:
  explicit Transport(Fd fd) : fd_(std::move(fd)) {}
  Transport(Transport&&) = default;
  Transport& operator=(Transport&&) = default;

  void start_tls(std::unique_ptr<TlsStream> tls) { tls_ = std::move(tls); }
  bool is_tls() const { return tls_ != nullptr; }
  TlsStream* tls() const { return tls_.get(); }
  int fd() const { return fd_.get(); }

  Io read(std::span<char> out);
  // Writes as much of `first` and then `second` as the peer takes now.
  Io write(std::string_view first, std::string_view second);
  // Acknowledges what has come without the usual delay. A client with Nagle's algorithm on
  // (Python's urllib3 behind a proxy) would hold back the rest of its request for 40 ms until then.
  void acknowledge();
  // Nothing more will be written.
  void finish();
  // After finish(): takes raw bytes off the socket without looking at them.
  Io discard(std::span<char> scratch);

 private:
  Io write_tls(std::string_view first, std::string_view second);
  Fd fd_;
  std::unique_ptr<TlsStream> tls_;  // refers to fd_, so it goes first
};

}  // namespace lazuli::http
