// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

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

// What a search from the newest record backwards has come by.
struct Search {
  const AuditFilter& filter;
  std::vector<AuditEvent> found;
  // Of records that are still to come: an outcome follows what it is of.
  std::map<uint64_t, AuditEvent> outcomes = {};

  void take(AuditEvent event) {
    if (event.kind == AuditKind::kOutcome) {
      outcomes.emplace(event.of, std::move(event));
      return;
    }
    if (const auto outcome = outcomes.extract(event.sequence)) {
      event.status = outcome.mapped().status;
      event.code = outcome.mapped().code;
    }
    if (admits(filter, event)) found.push_back(std::move(event));
  }
};

// False when no older segment can hold more.
bool find_in(std::string_view content, Search& search) {
  std::string_view rest = content.substr(0, content.rfind('\n') + 1);
  while (!rest.empty()) {
    if (search.found.size() >= search.filter.count_max) return false;
    rest.remove_suffix(1);
    const std::string_view line = rest.substr(rest.rfind('\n') + 1);
    rest.remove_suffix(line.size());
    auto event = audit::event_of(line);
    if (!event.ok()) continue;
    // Times hardly go back along the log: a day before `from`, nothing of interest is left.
    const Timestamp from = search.filter.from;
    if (event->time < from && from - event->time > std::chrono::hours(24)) return false;
    search.take(std::move(*event));
  }
  return true;
}

}  // namespace

Result<std::vector<AuditEvent>> find_in_audit(const std::string& folder,
                                              const AuditFilter& filter) {
  Search search{filter, {}};
  const std::vector<uint64_t> numbers = TRY(audit::segments_of(folder));
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const auto content = read_file(audit::segment_path(folder, *number), SIZE_MAX);
    if (content.ok() && !find_in(*content, search)) break;
  }
  return std::move(search.found);
}

}  // namespace lazuli::core
