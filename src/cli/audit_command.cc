// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_command.h"

#include <cstdio>

#include "base/files.h"
#include "base/strings.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "core/audit.h"
#include "core/root_key.h"
#include "core/vault.h"

namespace lazuli::cli {
namespace {

Json report_json(const core::AuditReport& report) {
  return Json::object({{"intact", report.faults.empty()},
                       {"records", static_cast<int64_t>(report.records)},
                       {"first", static_cast<int64_t>(report.first)},
                       {"last", static_cast<int64_t>(report.last)},
                       {"segments", static_cast<int64_t>(report.segments)},
                       {"head", report.head},
                       {"faults", Json::strings(report.faults)},
                       {"notes", Json::strings(report.notes)}});
}

// The data directory's owner alone can read the root key, and so check the log.
Result<core::AuditReport> verify(const AuditVerifyOptions& options) {
  const std::string& data_dir = options.data_dir;
  const std::string folder = options.folder.empty() ? core::audit_folder(data_dir) : options.folder;
  if (!options.public_key.empty())
    return core::verify_audit_signatures(folder, TRY(read_file(options.public_key)));
  if (!core::has_root_key(data_dir)) return not_found("there is no installation in " + data_dir);
  const SecretBytes key = TRY(core::load_or_create_root_key(data_dir));
  const auto vault = core::make_vault(key);
  return core::verify_audit(folder, *vault);
}

Json event_json(const core::AuditEvent& event) {
  return Json::object({{"sequence", static_cast<int64_t>(event.sequence)},
                       {"time", format_iso8601(event.time)},
                       {"kind", core::to_string(event.kind)},
                       {"count", static_cast<int64_t>(event.count)},
                       {"caller", event.name.empty() ? event.object_id : event.name},
                       {"principal", event.object_id},
                       {"operation", event.operation},
                       {"operationId", event.operation_id},
                       {"resource", event.resource},
                       {"role", event.role_id},
                       {"assignment", event.assignment_id},
                       {"from", event.peer},
                       {"status", event.status},
                       {"code", event.code},
                       {"request", event.request_id}});
}

Result<Json> newest(const AuditListOptions& options) {
  core::AuditFilter filter;
  filter.scope = options.scope;
  filter.count_max = static_cast<size_t>(std::max(options.count, 1));
  for (core::AuditKind kind :
       {core::AuditKind::kWrite, core::AuditKind::kRelease, core::AuditKind::kDenial,
        core::AuditKind::kRead, core::AuditKind::kSystem})
    if (options.kind == core::to_string(kind)) filter.kinds.push_back(kind);
  Json rows = Json::array();
  for (const core::AuditEvent& event :
       TRY(core::find_in_audit(core::audit_folder(options.data_dir), filter)))
    rows.push_back(event_json(event));
  return rows;
}

}  // namespace

int audit_verify(const AuditVerifyOptions& options) {
  const auto report = verify(options);
  if (!report.ok()) return fail(report.error());
  if (options.json) {
    std::printf("%s", report_json(*report).dump_pretty().c_str());
  } else {
    std::printf("%s: %llu records (%llu to %llu) in %llu segments\nhead %s\n",
                report->faults.empty() ? "intact" : "NOT INTACT",
                static_cast<unsigned long long>(report->records),
                static_cast<unsigned long long>(report->first),
                static_cast<unsigned long long>(report->last),
                static_cast<unsigned long long>(report->segments), report->head.c_str());
    for (const std::string& note : report->notes) std::printf("note: %s\n", note.c_str());
  }
  for (const std::string& fault : report->faults)
    std::fprintf(stderr, "lazuli: audit: %s\n", fault.c_str());
  return report->faults.empty() ? kSuccess : kFailure;
}

int audit_list(const AuditListOptions& options) {
  const auto rows = newest(options);
  if (!rows.ok()) return fail(rows.error());
  if (options.json) {
    std::printf("%s", rows->dump_pretty().c_str());
    return kSuccess;
  }
  std::printf("%s", format_table({{"TIME", "time"},
                                  {"KIND", "kind"},
                                  {"CALLER", "caller"},
                                  {"OPERATION", "operation"},
                                  {"RESOURCE", "resource"},
                                  {"STATUS", "status"},
                                  {"CODE", "code"}},
                                 *rows)
                        .c_str());
  return kSuccess;
}

}  // namespace lazuli::cli
