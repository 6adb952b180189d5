// SPDX-License-Identifier: Apache-2.0
#include "http/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace lazuli::http {
namespace {

constexpr int kEventsMax = 256;
constexpr int kTurnsPerRound = 2;

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::create() {
  auto reactor = std::unique_ptr<Reactor>(new Reactor());
  reactor->epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  reactor->wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  reactor->timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  for (const Fd* fd : {&reactor->wake_, &reactor->timer_}) {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;  // these belong to the loop itself
    if (epoll_ctl(reactor->epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0) {
      return errno_error("make an event loop", errno);
    }
  }
  return reactor;
}

Reactor::~Reactor() = default;

Result<void> Reactor::watch(int fd, EventHandler& handler) {
  return add(fd, handler, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

Result<void> Reactor::watch_level(int fd, EventHandler& handler) {
  return add(fd, handler, EPOLLIN);
}

Result<void> Reactor::add(int fd, EventHandler& handler, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &handler;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return errno_error("watch a socket", errno);
  handler.watched_ = true;
  return success();
}

void Reactor::forget(int fd, EventHandler& handler) {
  if (!handler.watched_) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  handler.watched_ = false;
  deadlines_.remove(handler);
  std::erase(again_, &handler);
  if (std::exchange(handler.awaits_turn_, false)) std::erase(turns_, &handler);
}

void Reactor::retire(std::unique_ptr<EventHandler> handler) {
  retired_.push_back(std::move(handler));
}

void Reactor::set_deadline(EventHandler& handler, SteadyClock::time_point deadline) {
  if (deadlines_.set(handler, deadline, now_)) arm();
}

void Reactor::again(EventHandler& handler) { again_.push_back(&handler); }

void Reactor::await_turn(EventHandler& handler) {
  if (!std::exchange(handler.awaits_turn_, true)) turns_.push_back(&handler);
}

void Reactor::run_turns() {
  for (int i = 0; i < kTurnsPerRound && !turns_.empty(); ++i) {
    EventHandler& handler = *turns_.front();
    turns_.pop_front();
    handler.awaits_turn_ = false;
    handler.on_turn();
  }
}

void Reactor::post(std::function<void()> call) {
  std::unique_lock lock(mutex_);
  calls_.push_back(std::move(call));
  wake(lock);
}

void Reactor::deliver(uint64_t address, std::unique_ptr<Job> job) {
  std::unique_lock lock(mutex_);
  deliveries_.push_back({address, std::move(job)});
  wake(lock);
}

void Reactor::wake(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(woken_, true)) return;
  lock.unlock();
  const uint64_t one = 1;
  CHECK(write(wake_.get(), &one, sizeof(one)) == sizeof(one));
}

void Reactor::stop() {
  post([this] { stopped_ = true; });
}

void Reactor::arm() {
  const std::chrono::nanoseconds at = deadlines_.next().time_since_epoch();
  itimerspec spec = {};
  if (deadlines_.next() != SteadyClock::time_point::max()) {
    spec.it_value.tv_sec = at.count() / 1'000'000'000;
    spec.it_value.tv_nsec = at.count() % 1'000'000'000;
  }
  CHECK(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void Reactor::run() {
  std::array<epoll_event, kEventsMax> events;
  while (!stopped_) {
    const bool busy = !again_.empty() || !turns_.empty();
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsMax, busy ? 0 : -1);
    CHECK(count >= 0 || errno == EINTR);
    now_ = SteadyClock::now();
    std::vector<EventHandler*> again;
    again.swap(again_);
    for (int i = 0; i < count; ++i) {
      if (auto* handler = static_cast<EventHandler*>(events[static_cast<size_t>(i)].data.ptr)) {
        handler->on_events(events[static_cast<size_t>(i)].events);
      } else {
        run_calls();
      }
    }
    for (EventHandler* handler : again) {
      if (handler->watched_) handler->on_events(0);
    }
    run_turns();
    if (now_ >= deadlines_.next()) {
      deadlines_.advance(now_);
      arm();
    }
    retired_.clear();
  }
}

// The counters of wake_ and timer_ are never read: each write and each expiry is an edge of its
// own.
void Reactor::run_calls() {
  std::vector<std::function<void()>> calls;
  std::vector<Delivery> deliveries;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(calls_);
    deliveries.swap(deliveries_);
    woken_ = false;
  }
  for (const auto& call : calls) call();
  for (Delivery& delivery : deliveries) receiver_(delivery.address, std::move(delivery.job));
}

int64_t DeadlineWheel::tick_of(TimePoint time) { return time.time_since_epoch() / kTick; }

DeadlineWheel::TimePoint DeadlineWheel::time_of(int64_t tick) { return TimePoint(tick * kTick); }

bool DeadlineWheel::set(EventHandler& handler, TimePoint deadline, TimePoint now) {
  handler.deadline_ = deadline;
  if (handler.place_ != EventHandler::kNowhere) {
    if (time_of(handler.tick_) <= deadline) return false;  // looked at in time
    remove(handler);
  }
  if (deadline == TimePoint::max()) return false;
  // Nothing stands in the lists that have passed, so the ring may turn.
  if (now < next_) last_ = std::max(last_, tick_of(now));
  put(handler);
  const TimePoint at = time_of(handler.tick_);
  if (at >= next_) return false;
  next_ = at;
  return true;
}

// The first tick at which the deadline has passed, or the last one within the ring.
void DeadlineWheel::put(EventHandler& handler) {
  handler.tick_ = std::clamp(tick_of(handler.deadline_) + 1, last_ + 1, last_ + kTicks - 1);
  std::vector<EventHandler*>& handlers = list(handler.tick_);
  handler.place_ = handlers.size();
  handlers.push_back(&handler);
}

void DeadlineWheel::remove(EventHandler& handler) {
  if (handler.place_ == EventHandler::kNowhere) return;
  const bool is_due = handler.tick_ <= last_;
  std::vector<EventHandler*>& handlers = is_due ? due_ : list(handler.tick_);
  if (is_due) {
    handlers[handler.place_] = nullptr;
  } else {
    handlers[handler.place_] = handlers.back();
    handlers[handler.place_]->place_ = handler.place_;
    handlers.pop_back();
  }
  handler.place_ = EventHandler::kNowhere;
}

void DeadlineWheel::collect(int64_t tick, TimePoint now) {
  std::vector<EventHandler*> handlers;
  handlers.swap(list(tick));
  for (EventHandler* handler : handlers) {
    if (handler->deadline_ > now) {
      put(*handler);
      continue;
    }
    handler->place_ = due_.size();
    due_.push_back(handler);
  }
}

void DeadlineWheel::advance(TimePoint now) {
  const int64_t tick_now = tick_of(now);
  const int64_t begin = std::max(last_ + 1, tick_now - kTicks + 1);
  last_ = tick_now;
  for (int64_t tick = begin; tick <= tick_now; ++tick) collect(tick, now);
  for (size_t i = 0; i < due_.size(); ++i) {  // a handler may remove others meanwhile
    EventHandler* handler = due_[i];
    if (handler == nullptr) continue;
    handler->place_ = EventHandler::kNowhere;
    if (handler->deadline_ > now) {  // moved meanwhile
      put(*handler);
      continue;
    }
    handler->deadline_ = TimePoint::max();
    handler->on_deadline();
  }
  due_.clear();
  find_next();
}

void DeadlineWheel::find_next() {
  next_ = TimePoint::max();
  for (int64_t tick = last_ + 1; tick < last_ + kTicks; ++tick) {
    if (list(tick).empty()) continue;
    next_ = time_of(tick);
    return;
  }
}

}  // namespace lazuli::http
