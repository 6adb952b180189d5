// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.h"
#include "base/time.h"

namespace lazuli::compute {
namespace {

constexpr size_t kConnectionsMax = 512;
constexpr size_t kBufferBytes = 64 << 10;
constexpr size_t kConnectBytesMax = 8 << 10;
constexpr Duration kServerWait = std::chrono::seconds(60);
constexpr long kRetryNanoseconds = 50'000'000;

// One direction of a connection.
struct Pipe {
  std::string buffer;
  bool ended = false;  // the source will send no more
  bool shut = false;   // and the destination has been told
};

class Connection {
 public:
  Connection(Fd client, const RelayOptions& options)
      : client_(std::move(client)),
        options_(options),
        tunnel_wanted_(!options.proxy_for.empty()),
        give_up_(SteadyClock::now() + kServerWait) {}

  int client() const { return client_.get(); }
  int server() const { return server_.get(); }
  bool wants_server() const { return alive_ && !tunnel_wanted_ && !server_.valid(); }
  bool alive() const { return alive_; }
  uint32_t client_events() const { return events(up_, down_); }
  uint32_t server_events() const { return events(down_, up_); }

  // Moves what can be moved without blocking.
  void pump() {
    receive(client_.get(), up_);
    if (tunnel_wanted_) open_tunnel();
    if (server_.valid()) {
      send(server_.get(), up_);
      receive(server_.get(), down_);
    }
    send(client_.get(), down_);
    if (up_.shut && down_.shut) alive_ = false;
  }

  void connect() {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      server_ = std::move(socket);
    else if (SteadyClock::now() > give_up_)
      alive_ = false;
  }

 private:
  uint32_t events(const Pipe& in, const Pipe& out) const {
    bool read = !in.ended && in.buffer.size() < kBufferBytes;
    bool write = !out.buffer.empty();
    return (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
  }

  void receive(int fd, Pipe& pipe) {
    char bytes[16384];
    while (!pipe.ended && pipe.buffer.size() < kBufferBytes) {
      ssize_t count = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (count > 0)
        pipe.buffer.append(bytes, static_cast<size_t>(count));
      else if (count == 0)
        pipe.ended = true;
      else if (errno == EAGAIN)
        return;
      else if (errno != EINTR)
        return (void)(alive_ = false);
    }
  }

  void send(int fd, Pipe& pipe) {
    while (!pipe.buffer.empty()) {
      ssize_t count =
          ::send(fd, pipe.buffer.data(), pipe.buffer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0)
        pipe.buffer.erase(0, static_cast<size_t>(count));
      else if (errno == EAGAIN)
        return;
      else if (errno != EINTR)
        return (void)(alive_ = false);
    }
    if (!pipe.ended || pipe.shut) return;
    ::shutdown(fd, SHUT_WR);
    pipe.shut = true;
  }

  // RFC 9110 §9.3.6: "CONNECT host:port HTTP/1.1", headers, an empty line; then the tunnel.
  void open_tunnel() {
    size_t end = up_.buffer.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (up_.ended || up_.buffer.size() > kConnectBytesMax) alive_ = false;
      return;
    }
    std::vector<std::string_view> words = split(split(up_.buffer, '\r')[0], ' ');
    bool allowed = words.size() == 3 && words[0] == "CONNECT" && may_reach(words[1]);
    if (!allowed) {
      down_.buffer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      send(client_.get(), down_);
      alive_ = false;
      return;
    }
    up_.buffer.erase(0, end + 4);
    down_.buffer = "HTTP/1.1 200 Connection established\r\n\r\n";
    tunnel_wanted_ = false;
  }

  bool may_reach(std::string_view authority) const {
    return std::any_of(options_.proxy_for.begin(), options_.proxy_for.end(),
                       [&](const std::string& name) { return iequals(authority, name + ":443"); });
  }

  Fd client_;
  Fd server_;
  const RelayOptions& options_;
  Pipe up_, down_;  // towards the server, towards the client
  bool tunnel_wanted_;
  bool alive_ = true;
  SteadyClock::time_point give_up_;
};

class EpollRelay final : public Relay {
 public:
  EpollRelay(RelayOptions options, Fd epoll, Fd timer)
      : options_(std::move(options)), epoll_(std::move(epoll)), timer_(std::move(timer)) {
    watch(timer_.get(), EPOLLIN);
  }

  Result<void> add_listener(Fd listener) override {
    if (!watch(listener.get(), EPOLLIN)) return errno_error("watch the relay's socket", errno);
    listeners_.push_back(std::move(listener));
    return success();
  }

  int fd() const override { return epoll_.get(); }

  void step() override {
    epoll_event events[64];
    int count = ::epoll_wait(epoll_.get(), events, 64, 0);
    std::set<std::shared_ptr<Connection>> busy;
    for (int i = 0; i < count; ++i) {
      int ready = events[i].data.fd;
      if (ready == timer_.get())
        retry(busy);
      else if (auto found = by_fd_.find(ready); found != by_fd_.end())
        busy.insert(found->second);
      else
        accept_from(ready, busy);
    }
    for (const auto& connection : busy) advance(connection);
    if (!waiting_.empty()) arm_timer();
  }

 private:
  using Busy = std::set<std::shared_ptr<Connection>>;

  bool watch(int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return true;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void accept_from(int listener, Busy& busy) {
    while (by_fd_.size() < 2 * kConnectionsMax) {
      Fd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client.valid()) return;
      int fd = client.get();
      auto connection = std::make_shared<Connection>(std::move(client), options_);
      by_fd_[fd] = connection;
      busy.insert(std::move(connection));
    }
    // Full: what waits is taken when another connection ends.
    watch(listener, 0);
    paused_ = true;
  }

  void advance(const std::shared_ptr<Connection>& connection) {
    connection->pump();
    if (connection->wants_server()) {
      connection->connect();
      if (connection->server() >= 0) {
        by_fd_[connection->server()] = connection;
        connection->pump();
      }
    }
    if (!connection->alive()) return drop(connection);
    if (connection->wants_server())
      waiting_.insert(connection);
    else
      waiting_.erase(connection);
    watch_side(connection->client(), connection->client_events());
    if (connection->server() >= 0) watch_side(connection->server(), connection->server_events());
  }

  // A side with nothing to move is taken out: epoll reports hang-ups whether asked or not.
  void watch_side(int fd, uint32_t events) {
    if (events != 0)
      watch(fd, events);
    else
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }

  void drop(std::shared_ptr<Connection> connection) {
    waiting_.erase(connection);
    by_fd_.erase(connection->client());
    if (connection->server() >= 0) by_fd_.erase(connection->server());
    if (!paused_) return;
    paused_ = false;
    for (const Fd& listener : listeners_) watch(listener.get(), EPOLLIN);
  }

  void retry(Busy& busy) {
    uint64_t expirations;
    (void)!::read(timer_.get(), &expirations, sizeof expirations);
    busy.insert(waiting_.begin(), waiting_.end());
  }

  void arm_timer() {
    itimerspec once{{0, 0}, {0, kRetryNanoseconds}};
    ::timerfd_settime(timer_.get(), 0, &once, nullptr);
  }

  RelayOptions options_;
  Fd epoll_;
  Fd timer_;
  std::vector<Fd> listeners_;
  std::map<int, std::shared_ptr<Connection>> by_fd_;
  std::set<std::shared_ptr<Connection>> waiting_;  // for the server to come back
  bool paused_ = false;
};

}  // namespace

Result<std::unique_ptr<Relay>> Relay::create(RelayOptions options) {
  if (options.socket.size() >= sizeof(sockaddr_un::sun_path))
    return invalid_argument("the relay's socket path is too long");
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!epoll.valid() || !timer.valid()) return errno_error("epoll", errno);
  return std::unique_ptr<Relay>(
      std::make_unique<EpollRelay>(std::move(options), std::move(epoll), std::move(timer)));
}

}  // namespace lazuli::compute
