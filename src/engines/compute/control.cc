// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/strings.h"

namespace lazuli::compute {
namespace {

constexpr size_t kMessageBytesMax = 4096;
constexpr size_t kFdsMax = 4;

std::vector<Fd> take_fds(msghdr& header) {
  std::vector<Fd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number;
      ::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(number);
    }
  }
  return fds;
}

}  // namespace

Result<ControlPair> make_control() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_error("socketpair", errno);
  return ControlPair{Fd(ends[0]), Fd(ends[1])};
}

Result<void> send_control(int fd, std::string_view word, std::string_view text,
                          const std::vector<int>& fds) {
  CHECK(fds.size() <= kFdsMax);
  std::string bytes = cat({word, " ", text.substr(0, kMessageBytesMax / 2)});
  iovec data{bytes.data(), bytes.size()};
  alignas(cmsghdr) char buffer[CMSG_SPACE(kFdsMax * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = buffer;
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    ::memcpy(CMSG_DATA(part), fds.data(), fds.size() * sizeof(int));
  }
  if (::sendmsg(fd, &header, MSG_NOSIGNAL) < 0) return errno_error("send to the supervisor", errno);
  return success();
}

std::optional<ControlMessage> receive_control(int fd) {
  char text[kMessageBytesMax];
  iovec data{text, sizeof text};
  alignas(cmsghdr) char buffer[CMSG_SPACE(kFdsMax * sizeof(int))];
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = buffer;
  header.msg_controllen = sizeof buffer;
  ssize_t count;
  do count = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count <= 0) return {};
  std::string_view bytes(text, static_cast<size_t>(count));
  size_t space = bytes.find(' ');
  ControlMessage message{std::string(bytes.substr(0, space)), {}, take_fds(header)};
  if (space != std::string_view::npos) message.text = bytes.substr(space + 1);
  return message;
}

}  // namespace lazuli::compute
