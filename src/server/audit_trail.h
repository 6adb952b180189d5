// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/audit.h"
#include "core/auth.h"
#include "core/context.h"

namespace lazuli::server {

// What the chain has found out about a request on its way, for the audit.
struct Trace {
  std::string scope;  // the resource the right was checked on
  core::Allowed allowed;
};

// How a request ended.
struct Outcome {
  int status = 0;
  std::string_view code;  // the wire error's name; empty for a success
};

// What a request is to the audit once it is allowed: a release, a write, or a read.
core::AuditKind audit_kind(const core::Route& route);

// What the chain tells the audit. Thread-safe.
class AuditTrail {
 public:
  explicit AuditTrail(core::Audit& audit) : audit_(audit) {}

  // What must be recorded is not begun while nothing can be.
  Result<void> ready(const core::Route& route);
  // Writes and releases go to disk while they are being done; null for what is only counted.
  Result<core::AuditTicket> begin(const core::RequestContext& context, const Trace& trace);
  // What was begun is on disk, and its outcome in the log, when it returns; reads are counted.
  Result<void> answered(const core::RequestContext& context, const Trace& trace,
                        const core::AuditTicket& begun, Outcome outcome);
  // A denial is on disk when it returns, or counted where the thread must not wait for a disk.
  void denied(const core::RequestContext& context, const Trace& trace, Outcome outcome,
              bool may_wait);

 private:
  core::Audit& audit_;
};

}  // namespace lazuli::server
