// SPDX-License-Identifier: Apache-2.0
#include "proc/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "base/strings.h"

namespace lazuli::proc {
namespace {

constexpr Duration kPollPause = std::chrono::milliseconds(100);

// Keeps the beginning and the end of a long text, and hands out whole lines.
class Output {
 public:
  Output(size_t bytes_max, std::function<void(std::string_view)> on_line)
      : half_(bytes_max / 2), on_line_(std::move(on_line)) {}

  void append(std::string_view text) {
    emit_lines(text);
    size_t room = half_ - std::min(half_, head_.size());
    head_ += text.substr(0, room);
    tail_ += text.substr(std::min(room, text.size()));
    if (tail_.size() > 2 * half_) drop(tail_.size() - half_);
  }

  std::string finish() {
    if (on_line_ && !line_.empty()) on_line_(line_);
    if (tail_.size() > half_) drop(tail_.size() - half_);
    if (dropped_ == 0) return head_ + tail_;
    return cat({head_, "\n[", std::to_string(dropped_), " bytes left out]\n", tail_});
  }

 private:
  void drop(size_t count) {
    tail_.erase(0, count);
    dropped_ += count;
  }

  void emit_lines(std::string_view text) {
    if (!on_line_) return;
    for (char c : text) {
      if (c != '\n' && c != '\r' && line_.size() < 4096) {
        line_ += c;
      } else if (!line_.empty()) {
        on_line_(line_);
        line_.clear();
        if (c != '\n' && c != '\r') line_ += c;
      }
    }
  }

  size_t half_;
  std::function<void(std::string_view)> on_line_;
  std::string head_, tail_, line_;
  size_t dropped_ = 0;
};

// Moves what is there; false once the other end is closed.
bool drain(int fd, Output& output) {
  char buffer[16384];
  for (;;) {
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count > 0)
      output.append({buffer, static_cast<size_t>(count)});
    else if (count == 0)
      return false;
    else if (errno == EAGAIN)
      return true;
    else if (errno != EINTR)
      return false;
  }
}

void end_group(Child& child, Duration grace) {
  child.signal_group(SIGTERM);
  wait_pidfd(child.pidfd(), grace);
  child.signal_group(SIGKILL);
  child.wait(std::chrono::seconds(10));
}

Error stopped_for(bool cancelled, const std::string& program, Duration timeout) {
  if (cancelled) return conflict(cat({program, " was cancelled"}), "Cancelled");
  return deadline_exceeded(cat({program, " took longer than ", format_iso8601_duration(timeout)}));
}

}  // namespace

Result<RunOutput> run(RunOptions options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  std::erase_if(options.spawn.fds,
                [](const InheritedFd& fd) { return fd.theirs == 1 || fd.theirs == 2; });
  options.spawn.fds.push_back({writer.get(), 1});
  options.spawn.fds.push_back({writer.get(), 2});
  options.spawn.session = Session::kOwnGroup;
  SteadyClock::time_point deadline = SteadyClock::now() + options.timeout;
  Child child = TRY(spawn(options.spawn));
  writer.reset();

  Output output(options.output_bytes_max, std::move(options.on_line));
  bool open = true;
  for (;;) {
    pollfd entries[2] = {{child.pidfd(), POLLIN, 0}, {open ? reader.get() : -1, POLLIN, 0}};
    ::poll(entries, 2, static_cast<int>(kPollPause.count() / 1000));
    if (entries[1].revents != 0) open = drain(reader.get(), output);
    if (entries[0].revents != 0) break;
    bool cancelled = options.cancelled && options.cancelled();
    if (!cancelled && SteadyClock::now() < deadline) continue;
    end_group(child, options.grace);
    return stopped_for(cancelled, options.spawn.argv[0], options.timeout);
  }
  std::optional<Exit> exit = child.wait(Duration(0));
  drain(reader.get(), output);
  child.signal_group(SIGKILL);  // what it left behind
  return RunOutput{exit.value_or(Exit{true, SIGKILL}), output.finish()};
}

}  // namespace lazuli::proc
