// SPDX-License-Identifier: Apache-2.0
#include "http/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace lazuli::http {
namespace {

constexpr size_t kRecord = 16 * 1024;  // the most that one TLS record holds

Io outcome(ssize_t count, IoStatus when_blocked) {
  if (count >= 0) return {IoStatus::kOk, static_cast<size_t>(count)};
  if (errno == EAGAIN) return {when_blocked, 0, true};
  return {IoStatus::kError};
}

Io read_socket(int fd, std::span<char> out) {
  ssize_t count;
  do {
    count = recv(fd, out.data(), out.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return {IoStatus::kEnd};
  Io io = outcome(count, IoStatus::kWantRead);
  io.drained = io.drained || io.bytes < out.size();
  return io;
}

}  // namespace

Io Transport::read(std::span<char> out) {
  return tls_ ? tls_->read(out) : read_socket(fd_.get(), out);
}

Io Transport::write(std::string_view first, std::string_view second) {
  if (tls_) return write_tls(first, second);
  std::array<iovec, 2> parts = {iovec{const_cast<char*>(first.data()), first.size()},
                                iovec{const_cast<char*>(second.data()), second.size()}};
  msghdr message = {};
  message.msg_iov = first.empty() ? &parts[1] : &parts[0];
  message.msg_iovlen = first.empty() || second.empty() ? 1 : 2;
  ssize_t count;
  do {
    count = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return outcome(count, IoStatus::kWantWrite);
}

// A head and a small body share one record; otherwise each costs its own encryption and packet. A
// repeated call after kWantWrite offers the same bytes again, as OpenSSL demands.
Io Transport::write_tls(std::string_view first, std::string_view second) {
  if (first.empty()) return tls_->write(second);
  if (second.empty() || first.size() >= kRecord) return tls_->write(first);
  std::array<char, kRecord> record;
  size_t size = first.copy(record.data(), first.size());
  size += second.copy(record.data() + size, kRecord - size);
  return tls_->write({record.data(), size});
}

void Transport::acknowledge() {
  const int on = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

void Transport::finish() {
  if (tls_) tls_->close_notify();
  shutdown(fd_.get(), SHUT_WR);
}

Io Transport::discard(std::span<char> scratch) { return read_socket(fd_.get(), scratch); }

}  // namespace lazuli::http
