// SPDX-License-Identifier: Apache-2.0
#include "server/disk_guard.h"

#include <sys/statvfs.h>

#include "base/strings.h"
#include "base/time.h"
#include "core/context.h"

namespace lazuli::server {
namespace {

constexpr uint64_t kMebibyte = 1024 * 1024;
constexpr uint64_t kReserveMax = 256 * kMebibyte;
constexpr Duration kLookEvery = std::chrono::milliseconds(500);

// What stores something new. A POST that only asks (keys, queries, a token) goes on.
bool is_write(const core::Route& route) {
  switch (route.method) {
    case http::Method::kPut:
    case http::Method::kPatch:
      return true;
    case http::Method::kPost:
      return route.sink != nullptr || route.operation.name.ends_with("/write");
    default:
      return false;
  }
}

// Storage's clients try a 507 again for a minute; a conflict is told at once.
Error full_error(core::ErrorShape shape, uint64_t free, uint64_t reserve) {
  const Code code =
      shape == core::ErrorShape::kStorage ? Code::kConflict : Code::kInsufficientStorage;
  return Error{code,
               "InsufficientStorage",
               cat({"The server's disk is nearly full: ", std::to_string(free / kMebibyte),
                    " MiB are left, ", std::to_string(reserve / kMebibyte),
                    " MiB of them kept in reserve. Nothing can be written until something is "
                    "deleted or the disk grows; reading and deleting work."}),
               {},
               {}};
}

}  // namespace

DiskGuard::DiskGuard(std::string folder, uint64_t reserve_bytes)
    : folder_(std::move(folder)), reserve_bytes_(reserve_bytes) {}

DiskGuard::Space DiskGuard::look() const {
  struct statvfs disk = {};
  if (::statvfs(folder_.c_str(), &disk) != 0) return {1, 0};  // whoever writes will say what it is
  const uint64_t unit = disk.f_frsize;
  const uint64_t usual = std::min<uint64_t>(disk.f_blocks * unit / 20, kReserveMax);
  return {disk.f_bavail * unit, reserve_bytes_ > 0 ? reserve_bytes_ : usual};
}

bool DiskGuard::is_full() {
  const int64_t now = SteadyClock::now().time_since_epoch().count();
  int64_t due = next_look_ns_.load(std::memory_order_relaxed);
  const int64_t next = now + std::chrono::nanoseconds(kLookEvery).count();
  if (now >= due && next_look_ns_.compare_exchange_strong(due, next)) {
    const Space space = look();
    full_.store(space.free < space.reserve, std::memory_order_relaxed);
  }
  return full_.load(std::memory_order_relaxed);
}

Result<void> DiskGuard::check(const core::RequestContext& context, const std::string&) {
  if (!is_write(context.route()) || !is_full()) return {};
  const Space space = look();
  return full_error(context.route().errors, space.free, space.reserve);
}

}  // namespace lazuli::server
