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
// Deadlines are looked at no more often than this: a scan touches every connection.
constexpr auto kScanInterval = std::chrono::milliseconds(20);

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
  handler.slot_ = handlers_.size();
  handlers_.push_back(&handler);
  return success();
}

void Reactor::forget(int fd, EventHandler& handler) {
  if (handler.slot_ == EventHandler::kUnlisted) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  handlers_[handler.slot_] = handlers_.back();
  handlers_[handler.slot_]->slot_ = handler.slot_;
  handlers_.pop_back();
  handler.slot_ = EventHandler::kUnlisted;
  std::erase(again_, &handler);
}

void Reactor::retire(std::unique_ptr<EventHandler> handler) {
  retired_.push_back(std::move(handler));
}

void Reactor::set_deadline(EventHandler& handler, SteadyClock::time_point deadline) {
  handler.deadline_ = deadline;
  if (deadline >= next_scan_) return;
  next_scan_ = deadline;
  arm();
}

void Reactor::again(EventHandler& handler) { again_.push_back(&handler); }

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
  const std::chrono::nanoseconds at = next_scan_.time_since_epoch();
  itimerspec spec = {};
  if (next_scan_ != SteadyClock::time_point::max()) {
    spec.it_value.tv_sec = at.count() / 1'000'000'000;
    spec.it_value.tv_nsec = at.count() % 1'000'000'000;
  }
  CHECK(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void Reactor::run() {
  std::array<epoll_event, kEventsMax> events;
  while (!stopped_) {
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsMax, again_.empty() ? -1 : 0);
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
      if (handler->slot_ != EventHandler::kUnlisted) handler->on_events(0);
    }
    if (now_ >= next_scan_) expire();
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

void Reactor::expire() {
  next_scan_ = SteadyClock::time_point::max();
  const std::vector<EventHandler*> handlers = handlers_;  // on_deadline() changes the list
  for (EventHandler* handler : handlers) {
    if (handler->slot_ == EventHandler::kUnlisted) continue;
    if (handler->deadline_ > now_) {
      next_scan_ = std::min(next_scan_, handler->deadline_);
      continue;
    }
    handler->deadline_ = SteadyClock::time_point::max();
    handler->on_deadline();
  }
  next_scan_ = std::max(next_scan_, now_ + kScanInterval);
  arm();
}

}  // namespace lazuli::http
