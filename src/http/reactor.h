// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/socket.h"
#include "http/worker_pool.h"

namespace lazuli::http {

class Reactor;

// Reacts to readiness of a socket and to the passing of its deadline, on the reactor's thread.
class EventHandler {
 public:
  virtual ~EventHandler() = default;
  virtual void on_events(uint32_t epoll_events) = 0;
  virtual void on_deadline() = 0;

 private:
  friend class Reactor;
  static constexpr size_t kUnlisted = SIZE_MAX;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  size_t slot_ = kUnlisted;
};

// One epoll loop. All calls belong to its thread unless said otherwise.
class Reactor {
 public:
  static Result<std::unique_ptr<Reactor>> create();
  ~Reactor();

  void run();                             // until stop()
  void stop();                            // any thread
  void post(std::function<void()> call);  // any thread: runs `call` on the loop
  // Any thread: hands a finished job to the receiver, on the loop. `address` says for whom.
  void deliver(uint64_t address, std::unique_ptr<Job> job);
  using Receiver = std::function<void(uint64_t address, std::unique_ptr<Job> job)>;
  void set_receiver(Receiver receiver) { receiver_ = std::move(receiver); }

  // Watches a socket edge-triggered for reading and writing. The handler stays the caller's.
  Result<void> watch(int fd, EventHandler& handler);
  Result<void> watch_level(int fd, EventHandler& handler);  // reading alone, level-triggered
  void forget(int fd, EventHandler& handler);
  // Destroys a handler when no event of the current round can reach it any more.
  void retire(std::unique_ptr<EventHandler> handler);
  void set_deadline(EventHandler& handler, SteadyClock::time_point deadline);
  // Calls the handler again in the next round, with no events.
  void again(EventHandler& handler);

  SteadyClock::time_point now() const { return now_; }  // of this round
  std::span<char> scratch() { return scratch_; }        // for one read, shared by all handlers

 private:
  Reactor() = default;
  Result<void> add(int fd, EventHandler& handler, uint32_t events);
  void arm();
  void dispatch(int count);
  void run_calls();
  void wake(std::unique_lock<std::mutex>& lock);
  void expire();

  Fd epoll_;
  Fd wake_;
  Fd timer_;  // fires at next_scan_: cheaper than a timeout for each wait
  SteadyClock::time_point now_ = SteadyClock::now();
  SteadyClock::time_point next_scan_ = SteadyClock::time_point::max();
  std::vector<EventHandler*> handlers_;
  std::vector<EventHandler*> again_;
  std::vector<std::unique_ptr<EventHandler>> retired_;
  std::vector<char> scratch_ = std::vector<char>(64 * 1024);
  bool stopped_ = false;
  Receiver receiver_;

  struct Delivery {
    uint64_t address;
    std::unique_ptr<Job> job;
  };
  std::mutex mutex_;
  std::vector<std::function<void()>> calls_;  // guarded by mutex_
  std::vector<Delivery> deliveries_;          // guarded by mutex_
  bool woken_ = false;                        // guarded by mutex_
};

}  // namespace lazuli::http
