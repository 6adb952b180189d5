// SPDX-License-Identifier: Apache-2.0
#include "http/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/strings.h"
#include "http/buffer.h"

namespace lazuli::http {
namespace {

TEST(HttpSocket, ReadsAndWritesAddresses) {
  for (const char* text : {"127.0.0.1:443", "[::1]:8443", "0.0.0.0:0", "unix:/tmp/a.sock"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  for (const char* text :
       {"", "localhost:1", "127.0.0.1", "127.0.0.1:65536", "1.2.3:4", "[::1]", "unix:"}) {
    EXPECT_FALSE(SocketAddress::parse(text).ok()) << text;
  }
}

TEST(HttpSocket, KnowsLoopback) {
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(SocketAddress::parse_ip(text, 1)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "10.0.0.1", "::2", "::ffff:10.0.0.1", "::"}) {
    EXPECT_FALSE(SocketAddress::parse_ip(text, 1)->is_loopback()) << text;
  }
  EXPECT_TRUE(SocketAddress::parse("unix:/x")->is_loopback());
}

TEST(HttpSocket, ReplacesAStaleSocketFileButNoOther) {
  const std::string path = cat({"/tmp/", random_name(12), ".sock"});
  const SocketAddress address = *SocketAddress::parse("unix:" + path);
  {
    EXPECT_TRUE(listen_on(address).ok());
  }  // closed, the file stays
  {
    const auto again = listen_on(address);
    EXPECT_TRUE(again.ok()) << again.error().message;
    EXPECT_FALSE(listen_on(address).ok()) << "somebody listens there";
  }
  unlink(path.c_str());
  close(open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(listen_on(address).ok()) << "a plain file is not ours to remove";
  unlink(path.c_str());
}

TEST(HttpBuffer, KeepsWhatIsInItWhenItGrows) {
  Buffer buffer;
  buffer.append("hello ");
  buffer.append(std::string(10000, 'x'));
  buffer.take(6);
  EXPECT_EQ(buffer.size(), 10000u);
  buffer.append("end");
  EXPECT_TRUE(buffer.view().starts_with("xxx"));
  EXPECT_TRUE(buffer.view().ends_with("xend"));
  buffer.shrink(16);
  EXPECT_TRUE(buffer.empty());
  buffer.append("again");
  EXPECT_EQ(buffer.view(), "again");
}

}  // namespace
}  // namespace lazuli::http
