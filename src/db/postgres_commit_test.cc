// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "base/ids.h"
#include "base/strings.h"
#include "db/testing.h"

namespace lazuli::db {
namespace {

enum class Cut { kNever, kBeforeCommit, kAfterCommit };

int unix_socket(const std::string& path, bool listens) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  const int done = listens ? ::bind(fd, where, sizeof address) | ::listen(fd, 16)
                           : ::connect(fd, where, sizeof address);
  CHECK(fd >= 0 && done == 0);
  return fd;
}

// Stands between a client and the server, and breaks the connection once around a COMMIT.
class LossyProxy {
 public:
  explicit LossyProxy(std::string server_folder) : server_folder_(std::move(server_folder)) {
    std::filesystem::create_directories(folder_);
    listener_ = unix_socket(folder_ + "/.s.PGSQL.5432", true);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~LossyProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (auto& pump : pumps_) pump.join();
    ::close(listener_);
    std::filesystem::remove_all(folder_);
  }
  const std::string& folder() const { return folder_; }
  void cut_next(Cut cut) { cut_ = cut; }

 private:
  void accept_all() {
    for (int client; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      pumps_.emplace_back([this, client] {
        const int server = unix_socket(server_folder_ + "/.s.PGSQL.5432", false);
        while (pass_on(client, server)) continue;
        ::close(server);
        ::close(client);
      });
    }
  }

  bool pass_on(int client, int server) {
    pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    ::poll(ends, 2, -1);
    char buffer[65536];
    if (ends[1].revents != 0) {
      const ssize_t size = ::read(server, buffer, sizeof buffer);
      return size > 0 && ::write(client, buffer, static_cast<size_t>(size)) == size;
    }
    const ssize_t size = ::read(client, buffer, sizeof buffer);
    if (size <= 0) return false;
    const bool commits =
        std::string_view(buffer, static_cast<size_t>(size)).find("COMMIT") != std::string::npos;
    const Cut cut = commits ? cut_.exchange(Cut::kNever) : Cut::kNever;
    if (cut == Cut::kBeforeCommit) return false;
    if (::write(server, buffer, static_cast<size_t>(size)) != size) return false;
    if (cut == Cut::kNever) return true;
    return ::read(server, buffer, sizeof buffer), false;  // it is committed, and nobody is told
  }

  const std::string server_folder_;
  const std::string folder_ =
      std::filesystem::temp_directory_path() / cat({"lazuli-proxy-", random_name(8)});
  int listener_ = -1;
  std::atomic<Cut> cut_ = Cut::kNever;
  std::vector<std::thread> pumps_;
  std::thread thread_;
};

std::string host_of(const std::string& url) {
  PQconninfoOption* options = PQconninfoParse(url.c_str(), nullptr);
  CHECK(options != nullptr);
  std::string host;
  for (auto* option = options; option->keyword; ++option) {
    if (option->keyword == std::string_view("host") && option->val) host = option->val;
  }
  PQconninfoFree(options);
  return host;
}

class DbPostgresCommitTest : public ::testing::TestWithParam<Cut> {};

INSTANTIATE_TEST_SUITE_P(Cuts, DbPostgresCommitTest,
                         ::testing::Values(Cut::kBeforeCommit, Cut::kAfterCommit));

// Whether or not the server heard the COMMIT before the connection broke: each write happens once.
TEST_P(DbPostgresCommitTest, AnUnansweredCommitIsAppliedOnce) {
  testing::TestDatabase db(testing::Driver::kPostgres,
                           {{"till", 1, "CREATE TABLE till_coins (id {id}, value {int})"}});
  const std::string host = host_of(db.options().url);
  ASSERT_TRUE(host.starts_with("/")) << "the tests' server listens on a unix socket";
  LossyProxy proxy(host);
  Options options = db.options();
  options.url = replace_all(options.url, host, proxy.folder());
  auto lossy = Database::open(options).value();
  int runs = 0;
  auto put_coin = [&] {
    return lossy->handle("till").write([&](Tx& tx) {
      ++runs;
      return tx.exec("INSERT INTO till_coins (value) VALUES (1)");
    });
  };
  ASSERT_TRUE(put_coin().ok());
  proxy.cut_next(GetParam());
  auto unsure = put_coin();
  EXPECT_TRUE(unsure.ok()) << unsure.error().message;
  EXPECT_EQ(runs, GetParam() == Cut::kBeforeCommit ? 3 : 2);
  ASSERT_TRUE(put_coin().ok());
  auto coins = db.handle("till").read(
      [](Reader& reader) { return reader.query("SELECT SUM(value) FROM till_coins"); });
  EXPECT_EQ(coins.value().at(0).integer(0), 3);
}

}  // namespace
}  // namespace lazuli::db
