// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <system_error>

#include "base/files.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "engines/compute/descendants.h"
#include "engines/compute/launch.h"
#include "engines/compute/sandbox.h"
#include "proc/files.h"
#include "proc/spawn.h"

namespace lazuli::compute {
namespace {

constexpr const char* kTemporaryPrefix = "%new-";  // no id's folder begins like this
constexpr int kPidRetryMs = 20;
constexpr int kLockFd = 3;

class ProcessEngine final : public Engine {
 public:
  ProcessEngine(Options options, Isolation isolation, Fd epoll, Fd wake)
      : options_(std::move(options)),
        isolation_(std::move(isolation)),
        epoll_(std::move(epoll)),
        wake_(std::move(wake)) {}
  ~ProcessEngine() override { stop(); }

  void set_listener(ExitListener& listener) override { listener_ = &listener; }
  Result<void> start() override;
  void stop() noexcept override;
  Result<void> submit(ProcessSpec spec) override;
  Result<ProcessStatus> status(const std::string& id) override;
  void cancel(const std::string& id) override;
  std::string log_path(const std::string& id) const override { return folder(id).log(); }
  Result<void> forget(const std::string& id) override;
  std::string isolation() const override { return isolation_.name(); }

 private:
  ProcessFolder folder(const std::string& id) const {
    return ProcessFolder(cat({options_.folder, "/", folder_name(id)}));
  }
  Result<bool> create_folder(const std::string& path, ProcessSpec& spec);
  Result<void> launch(const std::string& id, Fd lock);
  Result<void> discard(const ProcessFolder& place);
  Result<void> adopt(const ProcessFolder& place);
  bool adopt_running(const std::string& id);
  void watch(const std::string& id, Fd pidfd);
  void watch_loop();
  void retry_adoptions();
  void supervisor_ended(const std::string& id);

  const Options options_;
  const Isolation isolation_;
  const Fd epoll_;
  const Fd wake_;
  ExitListener* listener_ = nullptr;
  std::thread watcher_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;                       // guards what follows
  std::map<std::string, Fd> supervisors_;  // by id
  std::map<int, std::string> ids_;         // by pidfd
  std::set<std::string> unidentified_;     // alive, but their pid is not written yet
  std::set<std::string> cancelled_early_;  // to be cancelled once identified
  std::vector<std::string> ended_before_;  // found at the start, to be told
};

// A folder with all the supervisor needs, made whole under another name first. False: one exists.
Result<bool> ProcessEngine::create_folder(const std::string& path, ProcessSpec& spec) {
  ProcessFolder temporary(cat({options_.folder, "/", kTemporaryPrefix, random_name(12)}));
  if (::mkdir(temporary.path().c_str(), 0700) != 0)
    return errno_error("make " + temporary.path(), errno);
  SecretString secret = std::move(spec.secret_environment);
  Launch launch{std::move(spec), isolation_, options_.executable, options_.relay_socket};
  auto fill = [&]() -> Result<void> {
    if (!secret.empty()) TRY(proc::write_new_file(temporary.secret(), secret.expose()));
    TRY(proc::write_new_file(temporary.launch(), to_json(launch).dump()));
    return proc::fsync_path(temporary.path());
  };
  Result<void> filled = fill();
  bool exists = false;
  if (filled.ok() && ::rename(temporary.path().c_str(), path.c_str()) != 0) {
    exists = errno == EEXIST || errno == ENOTEMPTY;
    if (!exists) filled = errno_error("make " + path, errno);
  }
  if (!filled.ok() || exists) (void)remove_tree(temporary.path());
  TRY(std::move(filled));
  TRY(proc::fsync_path(options_.folder));
  return !exists;
}

Result<void> ProcessEngine::submit(ProcessSpec spec) {
  TRY(validate(spec, isolation_));
  std::string id = spec.id;
  if (file_exists(folder(id).launch())) return success();
  if (!TRY(create_folder(folder(id).path(), spec))) return success();
  Fd lock = TRY(proc::try_lock_file(folder(id).lock()));
  if (!lock.valid()) return success();  // another submit of the same id is at it
  Result<void> launched = launch(id, std::move(lock));
  if (!launched.ok()) TRY(discard(folder(id)));  // or nobody could submit it again
  return launched;
}

// The supervisor inherits the lock, so there is no moment at which nobody holds it.
Result<void> ProcessEngine::launch(const std::string& id, Fd lock) {
  ProcessFolder place = folder(id);
  Fd log(::open(place.supervisor_log().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!log.valid()) return errno_error("open the supervisor's log", errno);
  proc::SpawnOptions options;
  options.argv = {options_.executable, "supervise", place.path()};
  options.environment = {"PATH=/usr/bin:/bin"};
  options.working_directory = "/";
  options.fds = {{log.get(), 1}, {log.get(), 2}, {lock.get(), kLockFd}};
  options.session = proc::Session::kOwn;
  options.blocked_signals = {SIGTERM};  // a cancel before it watches for one must not kill it
  proc::Child child = TRY(proc::spawn(options));
  watch(id, child.release_pidfd());
  return success();
}

void ProcessEngine::watch(const std::string& id, Fd pidfd) {
  std::lock_guard lock(mutex_);
  int number = pidfd.get();
  ids_[number] = id;
  supervisors_[id] = std::move(pidfd);
  if (cancelled_early_.erase(id) > 0) proc::signal_pidfd(number, SIGTERM);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = number;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event);
}

Result<ProcessStatus> ProcessEngine::status(const std::string& id) {
  return folder(id).progress(id);
}

void ProcessEngine::cancel(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto found = supervisors_.find(id);
  if (found != supervisors_.end())
    proc::signal_pidfd(found->second.get(), SIGTERM);
  else if (unidentified_.contains(id))
    cancelled_early_.insert(id);
}

Result<void> ProcessEngine::forget(const std::string& id) {
  ProcessFolder place = folder(id);
  if (!file_exists(place.path())) return success();
  if (!file_exists(place.end())) return conflict(cat({"process '", id, "' is not over"}));
  return discard(place);
}

// Renamed first: a half-removed folder must not look like a process to start.
Result<void> ProcessEngine::discard(const ProcessFolder& place) {
  std::string doomed = cat({options_.folder, "/", kTemporaryPrefix, random_name(12)});
  if (::rename(place.path().c_str(), doomed.c_str()) != 0 && errno != ENOENT)
    return errno_error("remove " + place.path(), errno);
  return remove_tree(doomed);
}

Result<void> ProcessEngine::start() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error)) {
    if (entry.path().filename().string().starts_with(kTemporaryPrefix)) {
      TRY(remove_tree(entry.path()));
      continue;
    }
    Result<void> adopted = adopt(ProcessFolder(entry.path()));
    if (!adopted.ok())
      log::error("compute", "cannot adopt a process",
                 {{"folder", entry.path().string()}, {"error", adopted.error().message}});
  }
  if (error) return errno_error("read " + options_.folder, error.value());
  watcher_ = std::thread([this] { watch_loop(); });
  return success();
}

Result<void> ProcessEngine::adopt(const ProcessFolder& place) {
  Launch launched = TRY(place.read_launch());
  const std::string& id = launched.spec.id;
  {
    std::lock_guard guard(mutex_);
    if (supervisors_.contains(id)) return success();  // submitted before the start
  }
  Fd lock = TRY(proc::try_lock_file(place.lock()));
  if (lock.valid() && !file_exists(place.begun())) return launch(id, std::move(lock));
  std::lock_guard guard(mutex_);
  if (lock.valid())
    ended_before_.push_back(id);
  else
    unidentified_.insert(id);
  return success();
}

// The number in the file is the supervisor's if the lock was held before and after it was opened.
bool ProcessEngine::adopt_running(const std::string& id) {
  ProcessFolder place = folder(id);
  auto number = parse_int(read_file(place.begun()).value_or(""));
  Fd pidfd = number ? proc::open_pidfd(static_cast<pid_t>(*number)) : Fd();
  Result<Fd> lock = proc::try_lock_file(place.lock());
  if (lock.ok() && lock->valid()) {
    supervisor_ended(id);
    return true;
  }
  if (!pidfd.valid()) return false;
  watch(id, std::move(pidfd));
  return true;
}

void ProcessEngine::retry_adoptions() {
  std::set<std::string> ids;
  {
    std::lock_guard lock(mutex_);
    ids = unidentified_;
  }
  for (const std::string& id : ids) {
    if (!adopt_running(id)) continue;
    std::lock_guard lock(mutex_);
    unidentified_.erase(id);
    cancelled_early_.erase(id);
  }
}

void ProcessEngine::watch_loop() {
  std::vector<std::string> ended;
  {
    std::lock_guard lock(mutex_);
    ended.swap(ended_before_);
  }
  for (const std::string& id : ended) supervisor_ended(id);
  retry_adoptions();
  while (!stopping_) {
    bool retry;
    {
      std::lock_guard lock(mutex_);
      retry = !unidentified_.empty();
    }
    epoll_event events[32];
    int count = ::epoll_wait(epoll_.get(), events, 32, retry ? kPidRetryMs : -1);
    for (int i = 0; i < count && !stopping_; ++i) {
      std::string id;
      {
        std::lock_guard lock(mutex_);
        auto found = ids_.find(events[i].data.fd);
        if (found == ids_.end()) continue;
        id = found->second;
        proc::reap_pidfd(found->first);
        ids_.erase(found);
        supervisors_.erase(id);  // closing it takes it out of the epoll set
      }
      supervisor_ended(id);
    }
    if (retry) retry_adoptions();
  }
}

// Tells the end; a supervisor that left none was killed, or the machine stopped.
void ProcessEngine::supervisor_ended(const std::string& id) {
  ProcessFolder place = folder(id);
  Result<ProcessStatus> status = place.read_end();
  if (!status.ok()) {
    ProcessStatus lost = place.progress(id).value_or(ProcessStatus{});
    lost.id = id;
    lost.state = ProcessState::kLost;
    lost.error = "the process was lost: its supervisor or the machine was stopped";
    lost.ended = now();
    ::unlink(place.secret().c_str());
    // A sandbox that was half made when its supervisor was killed waits for it for ever.
    end_processes_naming(place.path());
    Result<void> written = place.write_end(lost);
    if (!written.ok())
      return log::error("compute", "cannot record a lost process",
                        {{"id", id}, {"error", written.error().message}});
    status = lost;
  }
  if (listener_ != nullptr) listener_->on_exit(*status);
}

void ProcessEngine::stop() noexcept {
  if (stopping_.exchange(true)) return;
  uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  if (watcher_.joinable()) watcher_.join();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(Options options) {
  TRY(make_folder(options.folder));
  if (::access(options.executable.c_str(), X_OK) != 0)
    return invalid_argument(cat({"'", options.executable, "' cannot be run as job supervisor"}));
  bool refuse = options.without_namespaces || ::getenv("LAZULI_WITHOUT_NAMESPACES") != nullptr;
  Isolation isolation = detect_isolation(refuse);
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake.get();
  if (!epoll.valid() || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return errno_error("epoll", errno);
  return std::unique_ptr<Engine>(std::make_unique<ProcessEngine>(
      std::move(options), std::move(isolation), std::move(epoll), std::move(wake)));
}

}  // namespace lazuli::compute
