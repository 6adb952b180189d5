// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/files.h"
#include "base/strings.h"
#include "core/audit_chain.h"

namespace lazuli::core {
namespace {

bool admits(const AuditFilter& filter, const AuditEvent& event) {
  if (event.time < filter.from || event.time > filter.until) return false;
  const auto& kinds = filter.kinds;
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), event.kind) == kinds.end())
    return false;
  if (!filter.scope.empty() && !scope_covers(filter.scope, event.resource)) return false;
  return filter.request_id.empty() || iequals(filter.request_id, event.request_id) ||
         iequals(filter.request_id, event.client_request_id);
}

// Newest first; false when no older segment can hold more.
bool find_in(std::string_view content, const AuditFilter& filter, std::vector<AuditEvent>& found) {
  std::string_view rest = content.substr(0, content.rfind('\n') + 1);
  while (!rest.empty()) {
    if (found.size() >= filter.count_max) return false;
    rest.remove_suffix(1);
    const std::string_view line = rest.substr(rest.rfind('\n') + 1);
    rest.remove_suffix(line.size());
    auto event = audit::event_of(line);
    if (!event.ok()) continue;
    // Times hardly go back along the log: a day before `from`, nothing of interest is left.
    if (event->time < filter.from && filter.from - event->time > std::chrono::hours(24))
      return false;
    if (admits(filter, *event)) found.push_back(std::move(*event));
  }
  return true;
}

}  // namespace

Result<std::vector<AuditEvent>> find_in_audit(const std::string& folder,
                                              const AuditFilter& filter) {
  std::vector<AuditEvent> found;
  const std::vector<uint64_t> numbers = TRY(audit::segments_of(folder));
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const auto content = read_file(audit::segment_path(folder, *number), SIZE_MAX);
    if (content.ok() && !find_in(*content, filter, found)) break;
  }
  return found;
}

}  // namespace lazuli::core
