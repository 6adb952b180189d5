// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/files.h"
#include "base/strings.h"
#include "base/time.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "engines/compute/environment.h"
#include "engines/compute/installer.h"
#include "proc/files.h"

namespace lazuli::compute {
namespace {

constexpr std::string_view kFormat = "lazuli environment 1\n";  // changes when builds do
constexpr Duration kLockPause = std::chrono::milliseconds(100);

std::array<int64_t, 3> version_numbers(std::string_view text) {
  std::array<int64_t, 3> numbers{};
  size_t at = 0;
  for (std::string_view part : split(text, '.'))
    if (at < numbers.size()) numbers[at++] = parse_int(part).value_or(0);
  return numbers;
}

// Whether Python's version is one of those that ">=3.8,<3.12" or "==3.10.*" name.
bool python_fits(std::string_view specifiers, std::string_view version) {
  for (std::string_view part : split(specifiers, ',')) {
    size_t digits = part.find_first_of("0123456789");
    if (digits == std::string_view::npos) continue;
    std::string_view relation = part.substr(0, digits);
    std::array<int64_t, 3> asked = version_numbers(part.substr(digits));
    std::array<int64_t, 3> have = version_numbers(version);
    bool same_minor = asked[0] == have[0] && asked[1] == have[1];
    bool fits = relation == ">="   ? have >= asked
                : relation == ">"  ? have > asked
                : relation == "<=" ? have <= asked || same_minor
                : relation == "<"  ? have < asked
                : relation == "!=" ? !same_minor
                                   : same_minor;
    if (!fits) return false;
  }
  return true;
}

class CachedEnvironments final : public Environments {
 public:
  explicit CachedEnvironments(std::string folder) : folder_(std::move(folder)) {}

  Result<BuiltEnvironment> ensure(const EnvironmentSpec& spec,
                                  const std::function<void(std::string_view)>& progress,
                                  const std::function<bool()>& cancelled) override {
    InstallPlan plan = TRY(plan_environment(spec));
    std::string python = TRY(python_version());
    if (!python_fits(plan.python_version, python))
      plan.notes.push_back(cat({"warning: Python ", plan.python_version,
                                " is asked for, this machine's Python ", python, " is used"}));
    std::string key = crypto::sha256(cat({kFormat, python, "\n", plan.normalized()}));
    std::string name = to_hex(std::as_bytes(std::span(key))).substr(0, 32);
    BuiltEnvironment built{cat({folder_, "/", name}), plan.notes};
    if (file_exists(ready_file(built.folder))) return built;
    for (const std::string& note : plan.notes) progress(note);
    TRY(make_folder(folder_));
    Fd lock = TRY(wait_for_lock(built.folder + ".lock", progress, cancelled));
    if (!file_exists(ready_file(built.folder))) TRY(build(plan, built.folder, progress, cancelled));
    return built;
  }

 private:
  static std::string ready_file(const std::string& folder) { return folder + "/READY"; }

  Result<std::string> python_version() {
    std::lock_guard lock(mutex_);
    if (python_.empty()) python_ = TRY(system_python_version());
    return python_;
  }

  // Other threads and other servers on this folder may be building the same.
  Result<Fd> wait_for_lock(const std::string& path,
                           const std::function<void(std::string_view)>& progress,
                           const std::function<bool()>& cancelled) {
    for (bool told = false;;) {
      Fd lock = TRY(proc::try_lock_file(path));
      if (lock.valid()) return lock;
      if (cancelled && cancelled())
        return conflict("cancelled while the environment was being built", "Cancelled");
      if (!std::exchange(told, true)) progress("waiting for the same environment to be built");
      std::this_thread::sleep_for(kLockPause);
    }
  }

  // At its final path, because a virtual environment cannot be moved; READY says that it is whole.
  Result<void> build(const InstallPlan& plan, const std::string& folder,
                     const std::function<void(std::string_view)>& progress,
                     const std::function<bool()>& cancelled) {
    TRY(remove_tree(folder));
    auto began = SteadyClock::now();
    Result<void> installed = install(plan, {folder, folder_ + "/cache", progress, cancelled});
    if (!installed.ok()) {
      (void)remove_tree(folder);
      return installed;
    }
    TRY(sync_files(folder));
    TRY(write_file_durably(ready_file(folder), plan.normalized(), 0644));
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - began);
    progress(cat({"environment built in ", std::to_string(took.count() / 1000), ".",
                  std::to_string(took.count() / 100 % 10), " s"}));
    return success();
  }

  // Thousands of files: one flush of the file system instead of one each.
  static Result<void> sync_files(const std::string& folder) {
    Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::syncfs(directory.get()) != 0)
      return errno_error("flush " + folder, errno);
    return success();
  }

  const std::string folder_;
  std::mutex mutex_;  // guards python_
  std::string python_;
};

}  // namespace

std::unique_ptr<Environments> Environments::create(std::string folder) {
  return std::make_unique<CachedEnvironments>(std::move(folder));
}

}  // namespace lazuli::compute
