// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
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
  virtual void on_turn() {}  // see Reactor::await_turn()

 private:
  friend class Reactor;
  friend class DeadlineWheel;
  static constexpr size_t kNowhere = SIZE_MAX;
  bool watched_ = false;
  bool awaits_turn_ = false;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  // Where the wheel holds the handler.
  int64_t tick_ = 0;
  size_t place_ = kNowhere;
};

// Deadlines of many handlers, most of which move before they pass: a ring of lists, one for each
// tick. Moving a deadline back costs nothing; the handler is put where it belongs when its tick
// comes. One thread at a time.
class DeadlineWheel {
 public:
  using TimePoint = SteadyClock::time_point;

  // True if the handler is now the first to look at, earlier than next() was.
  bool set(EventHandler& handler, TimePoint deadline, TimePoint now);
  void remove(EventHandler& handler);
  // Calls on_deadline() of all handlers whose deadline has passed.
  void advance(TimePoint now);
  // When to call advance() next; max() if there is nothing.
  TimePoint next() const { return next_; }

 private:
  static constexpr int64_t kTicks = 1024;
  static constexpr Duration kTick = std::chrono::milliseconds(20);

  static int64_t tick_of(TimePoint time);
  static TimePoint time_of(int64_t tick);
  std::vector<EventHandler*>& list(int64_t tick) {
    return lists_[static_cast<size_t>(tick % kTicks)];
  }
  void put(EventHandler& handler);
  void collect(int64_t tick, TimePoint now);
  void find_next();

  std::vector<std::vector<EventHandler*>> lists_ =
      std::vector<std::vector<EventHandler*>>(static_cast<size_t>(kTicks));
  std::vector<EventHandler*> due_;  // found by advance(), not called yet; null where removed
  int64_t last_ = 0;                // the last tick that advance() has looked at
  TimePoint next_ = TimePoint::max();
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
  // For expensive work that others should not have to wait for: on_turn() is called in one of the
  // next rounds, for a few handlers each, in order.
  void await_turn(EventHandler& handler);

  SteadyClock::time_point now() const { return now_; }  // of this round
  std::span<char> scratch() { return scratch_; }        // for one read, shared by all handlers

 private:
  Reactor() = default;
  Result<void> add(int fd, EventHandler& handler, uint32_t events);
  void arm();
  void dispatch(int count);
  void run_calls();
  void run_turns();
  void wake(std::unique_lock<std::mutex>& lock);

  Fd epoll_;
  Fd wake_;
  Fd timer_;  // fires when the wheel is to advance: cheaper than a timeout for each wait
  SteadyClock::time_point now_ = SteadyClock::now();
  DeadlineWheel deadlines_;
  std::vector<EventHandler*> again_;
  std::deque<EventHandler*> turns_;
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
