// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "base/strings.h"
#include "http/connection.h"

namespace lazuli::http {
namespace {

// One event loop with its connections.
class IoThread final : public Connection::Owner {
 public:
  static Result<std::unique_ptr<IoThread>> create(ServerContext& context) {
    auto thread = std::unique_ptr<IoThread>(new IoThread(context));
    thread->reactor_ = TRY(Reactor::create());
    thread->reactor_->set_receiver([self = thread.get()](uint64_t id, std::unique_ptr<Job> job) {
      self->receive(id, std::move(job));
    });
    return thread;
  }

  Reactor& reactor() { return *reactor_; }
  void start() {
    thread_ = std::thread([this] { reactor_->run(); });
  }
  void join() {
    reactor_->stop();
    if (thread_.joinable()) thread_.join();
  }

  // Any thread: how many connections there are now.
  size_t count() const { return count_.load(std::memory_order_relaxed); }

  // On this thread:
  void adopt(Accepted accepted) {
    const uint64_t id = ++last_id_;
    auto connection =
        std::make_unique<Connection>(id, std::move(accepted), context_, *reactor_, *this);
    Connection& started = *connection;
    connections_.emplace(id, std::move(connection));
    count_.store(connections_.size(), std::memory_order_relaxed);
    started.start();
  }
  void drain() {
    for_each([](Connection& connection) { connection.drain(); });
  }
  void close_all() {
    for_each([](Connection& connection) { connection.close(); });
  }
  // Makes room for a new connection at the cost of one that waits for nothing.
  bool close_an_idle_one() {
    if (connections_.empty()) return false;
    // Not all are asked: a full house of busy connections must not make refusals expensive.
    for (int asked = 0; asked < kAskedForRoom; ++asked) {
      bucket_ = (bucket_ + 1) % connections_.bucket_count();
      for (auto each = connections_.begin(bucket_); each != connections_.end(bucket_); ++each) {
        if (!each->second->is_idle()) continue;
        each->second->close();
        return true;
      }
    }
    return false;
  }

 private:
  static constexpr int kAskedForRoom = 128;

  explicit IoThread(ServerContext& context) : context_(context) {}

  void on_closed(uint64_t id) override {
    const auto found = connections_.find(id);
    reactor_->retire(std::move(found->second));
    connections_.erase(found);
    count_.store(connections_.size(), std::memory_order_relaxed);
  }

  void receive(uint64_t id, std::unique_ptr<Job> job) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) return found->second->on_returned(std::move(job));
    if (auto* request = dynamic_cast<Request*>(job.get())) {
      request->step = Request::Step::kDrop;
      context_.pools.of(Pool::kControl).resume(std::move(job));
    }
  }

  void for_each(void (*call)(Connection&)) {
    std::vector<uint64_t> ids;
    for (const auto& [id, connection] : connections_) ids.push_back(id);
    for (const uint64_t id : ids) {
      const auto found = connections_.find(id);
      if (found != connections_.end()) call(*found->second);
    }
  }

  ServerContext& context_;
  std::unique_ptr<Reactor> reactor_;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::atomic<size_t> count_ = 0;
  uint64_t last_id_ = 0;
  size_t bucket_ = 0;  // of connections_, where room was looked for last
  std::thread thread_;
};

using IoThreads = std::vector<std::unique_ptr<IoThread>>;

// Accepts for all I/O threads, on the first one.
class Listener final : public EventHandler {
 public:
  Listener(Fd fd, IoThreads& threads, size_t connections_max, Sources& sources)
      : fd_(std::move(fd)),
        threads_(threads),
        connections_max_(connections_max),
        sources_(sources) {
    spare_ = open_spare();
  }

  int fd() const { return fd_.get(); }

  void on_events(uint32_t) override {
    for (int i = 0; i < kAcceptsPerRound; ++i) {
      sockaddr_storage peer = {};
      socklen_t size = sizeof(peer);
      auto* address = reinterpret_cast<sockaddr*>(&peer);
      Fd accepted(accept4(fd_.get(), address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted.valid()) {
        place(std::move(accepted), SocketAddress::from(address, size));
      } else if (errno == EMFILE || errno == ENFILE) {
        refuse_one();
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return;
      }
    }
  }
  void on_deadline() override {}

 private:
  static constexpr int kAcceptsPerRound = 64;

  static Fd open_spare() { return Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

  void place(Fd fd, const SocketAddress& peer) {
    std::shared_ptr<void> counted = sources_.take(peer);
    if (!counted) return refuse("one source has too many connections: one is refused", peer);
    size_t total = 0;
    for (const auto& thread : threads_) total += thread->count();
    if (total >= connections_max_ && !threads_.front()->close_an_idle_one())
      return refuse("too many connections: one is refused", peer);
    Accepted accepted{std::move(fd), peer, std::move(counted)};
    IoThread& thread = *threads_[turn_++ % threads_.size()];
    if (&thread == threads_.front().get()) return thread.adopt(std::move(accepted));
    thread.reactor().post([&thread, held = std::make_shared<Accepted>(std::move(accepted))] {
      thread.adopt(std::move(*held));
    });
  }

  // A flood must not fill the log as well: one line a second says enough.
  void refuse(std::string_view why, const SocketAddress& peer) {
    ++refused_;
    const auto now = SteadyClock::now();
    if (now < next_line_) return;
    next_line_ = now + std::chrono::seconds(1);
    log::warning("http", why, {{"peer", peer.host()}, {"refused", std::exchange(refused_, 0)}});
  }

  // Out of descriptors: one is set free for accepting and closing, or the queue would never empty.
  void refuse_one() {
    spare_.reset();
    Fd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare_ = open_spare();
    log::warning("http", "out of file descriptors: a connection is refused");
  }

  Fd fd_;
  Fd spare_;
  IoThreads& threads_;
  const size_t connections_max_;
  Sources& sources_;
  size_t turn_ = 0;
  size_t refused_ = 0;  // since the last line
  SteadyClock::time_point next_line_;
};

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, Application& application, std::unique_ptr<TlsServer> tls,
             const ProxyPolicy& proxy, Egress& egress)
      : options_(std::move(options)),
        tls_(std::move(tls)),
        pools_(options_),
        body_memory_(options_.buffered_bytes_max),
        sources_(options_.connections_per_source_max),
        context_{options_, application, *tls_, proxy, egress, pools_, body_memory_} {}

  ~ServerImpl() override { drain(Duration::zero()); }

  Result<std::vector<std::string>> start() override {
    for (int i = 0; i < std::max(options_.io_threads, 1); ++i) {
      threads_.push_back(TRY(IoThread::create(context_)));
    }
    std::vector<std::string> bound;
    for (const std::string& text : options_.listen) {
      const SocketAddress address = TRY(SocketAddress::parse(text));
      auto listener = std::make_unique<Listener>(TRY(listen_on(address)), threads_,
                                                 options_.connections_max, sources_);
      bound.push_back(local_address(listener->fd()).to_string());
      if (address.is_unix()) socket_files_.push_back(text.substr(text.find(':') + 1));
      listeners_.push_back(std::move(listener));
    }
    for (const auto& listener : listeners_) {
      TRY(threads_.front()->reactor().watch_level(listener->fd(), *listener));
    }
    for (const auto& thread : threads_) thread->start();
    running_ = true;
    return bound;
  }

  void drain(Duration deadline) override {
    if (!std::exchange(running_, false)) return pools_.stop();
    context_.draining = true;
    threads_.front()->reactor().post([this] {
      Reactor& reactor = threads_.front()->reactor();
      for (auto& listener : listeners_) {
        reactor.forget(listener->fd(), *listener);
        reactor.retire(std::move(listener));
      }
    });
    for (const auto& thread : threads_) {
      thread->reactor().post([&thread] { thread->drain(); });
    }
    wait_until_empty(SteadyClock::now() + deadline);
    for (const auto& thread : threads_) {
      thread->reactor().post([&thread] { thread->close_all(); });
    }
    for (const auto& thread : threads_) thread->join();
    pools_.stop();
    for (const std::string& file : socket_files_) unlink(file.c_str());
  }

 private:
  void wait_until_empty(SteadyClock::time_point deadline) const {
    while (SteadyClock::now() < deadline) {
      size_t total = 0;
      for (const auto& thread : threads_) total += thread->count();
      if (total == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  const ServerOptions options_;
  const std::unique_ptr<TlsServer> tls_;
  Pools pools_;
  BodyMemory body_memory_;
  Sources sources_;
  ServerContext context_;
  IoThreads threads_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::string> socket_files_;
  bool running_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Application& application,
                                               CertificateSource& certificates,
                                               const ProxyPolicy& proxy, Egress& egress) {
  auto tls = TRY(TlsServer::create(certificates));
  return std::unique_ptr<Server>(
      std::make_unique<ServerImpl>(std::move(options), application, std::move(tls), proxy, egress));
}

}  // namespace lazuli::http
