// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/principal.h"

namespace lazuli::core {

class Vault;

enum class AuditKind { kWrite, kRelease, kDenial, kRead, kSystem, kOutcome };
std::string_view to_string(AuditKind kind);

// What the audit keeps of a request: who, what, on which resource, by which right, from where, with
// which result. Never a body, a query string or a credential.
struct AuditEvent {
  AuditKind kind = AuditKind::kRead;
  Timestamp time{};
  uint64_t sequence = 0;  // set by the log
  uint64_t count = 1;     // like events of one second are one record

  std::string tenant_id, object_id, app_id, name;  // the caller; empty where none was verified
  std::string credential;                          // "bearer", "sharedKey", "sas", "endpointKey"
  std::string operation;                           // "Microsoft.X/things/write"
  std::string operation_id;                        // "Things_CreateOrUpdate"
  std::string resource;                            // the scope the right was checked on
  std::string role_id, assignment_id;  // what allowed it; empty: the credential's grants
  std::string peer;                    // address of the caller
  std::string method, path;            // as sent, without the query
  std::string request_id, client_request_id;
  int status = 0;    // 0: the end of what was begun is not known
  std::string code;  // the wire error's name, empty for a success
  uint64_t of = 0;   // of an outcome alone: the sequence of what ended so
};

// What was begun with Audit::begin and not ended yet, for the log alone to read; null: nothing.
using AuditTicket = std::shared_ptr<void>;

struct AuditFilter {
  Timestamp from{}, until = Timestamp::max();
  std::vector<AuditKind> kinds;  // empty: all
  std::string scope;             // resources at or below it; empty: all
  std::string request_id;        // this request alone, by either id; empty: all
  size_t count_max = 1000;
};

// Whether an operation hands out keys, tokens or secrets: treated and audited as access to data.
bool is_credential_release(const Operation& operation);

// The audit log: append-only, each record chained to the one before it. Thread-safe.
class Audit {
 public:
  virtual ~Audit() = default;
  // On disk when it returns. kUnavailable when it cannot be written.
  virtual Result<void> record(AuditEvent event) = 0;
  // What is about to be done, without its status: the record goes to disk while it is being done.
  virtual Result<AuditTicket> begin(AuditEvent event) = 0;
  // How it ended. When this returns, what was begun is on disk, and its outcome is in the log (a
  // killed process leaves it there), on disk within a second; at once if it is a refusal.
  virtual Result<void> end(const AuditTicket& begun, int status, std::string_view code) = 0;
  // The same as record() for what may come in floods: like events within a second after the first
  // are counted.
  virtual Result<void> record_first(AuditEvent event) = 0;
  // Within about a second, those of one key counted together: `event` is asked for the first alone.
  // Does not wait for a disk.
  virtual void note(std::string_view key, const std::function<AuditEvent()>& event) = 0;
  // Why nothing can be recorded at present, to be asked before work is done that must be recorded.
  virtual Result<void> ready() = 0;
  // Newest first, each with its outcome.
  virtual Result<std::vector<AuditEvent>> find(const AuditFilter& filter) = 0;
};

// Where an installation keeps its log.
std::string audit_folder(std::string_view data_dir);

struct AuditOptions {
  std::string folder = {};
  uint64_t segment_bytes_max = 16u << 20;
  uint64_t bytes_max = 2ull << 30;  // of all segments; the oldest go first
  Duration keep = std::chrono::hours(24 * 400);
  size_t queue_max = 32 * 1024;
};

// Opens or begins the log of a folder; one process writes it at a time.
Result<std::unique_ptr<Audit>> open_audit(AuditOptions options, Vault& vault);

// Reads a folder's log, which may be in use: newest first.
Result<std::vector<AuditEvent>> find_in_audit(const std::string& folder, const AuditFilter& filter);

struct AuditReport {
  uint64_t records = 0, first = 0, last = 0, segments = 0;
  std::string head;                 // the last record's MAC
  std::vector<std::string> faults;  // empty: every record is as it was written, none is missing
  std::vector<std::string> notes;
};

// Reads the whole log and checks chain, MACs, signatures and completeness. The log may be in use.
Result<AuditReport> verify_audit(const std::string& folder, Vault& vault);
// The same with the public key alone, for whoever must not hold the root key: what is closed is
// checked by its signatures; of the segment that is being written only that its lines join.
Result<AuditReport> verify_audit_signatures(const std::string& folder,
                                            std::string_view public_key_pem);

}  // namespace lazuli::core
