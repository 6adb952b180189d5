// SPDX-License-Identifier: Apache-2.0
#include "server/audit_trail.h"

#include "base/log.h"
#include "base/strings.h"

namespace lazuli::server {
namespace {

std::string_view to_string(core::CredentialKind kind) {
  switch (kind) {
    case core::CredentialKind::kBearer:
      return "bearer";
    case core::CredentialKind::kSharedKey:
      return "sharedKey";
    case core::CredentialKind::kSas:
      return "sas";
    case core::CredentialKind::kEndpointKey:
      return "endpointKey";
  }
  return "";
}

// What makes requests alike to the audit, where they are counted.
std::string key_of(const core::RequestContext& context, const Trace& trace, Outcome outcome) {
  std::string_view caller;
  if (context.has_principal()) {
    const core::Principal& principal = context.principal();
    caller = principal.object_id().empty() ? principal.name() : principal.object_id();
  }
  return cat({context.route().operation_id, "\n", caller, "\n", trace.scope, "\n",
              context.head().peer, "\n", std::to_string(outcome.status), "\n", outcome.code});
}

// The record of a request and its answer.
core::AuditEvent event_of(core::AuditKind kind, const core::RequestContext& context,
                          const Trace& trace, Outcome outcome) {
  const core::Route& route = context.route();
  core::AuditEvent event;
  event.kind = kind;
  event.operation = route.operation.name;
  event.operation_id = route.operation_id;
  event.resource = trace.scope;
  event.role_id = trace.allowed.role_id;
  event.assignment_id = trace.allowed.assignment_id;
  event.peer = context.head().peer;
  event.method = http::to_string(context.head().method);
  event.status = outcome.status;
  event.code = outcome.code;
  if (context.has_principal()) {
    const core::Principal& caller = context.principal();
    event.tenant_id = caller.tenant_id();
    event.object_id = caller.object_id();
    event.app_id = caller.app_id();
    event.name = caller.name();
    event.credential = to_string(caller.kind());
  }
  if (kind == core::AuditKind::kRead) return event;  // many of them are one record
  event.path = context.shown_path();
  event.request_id = context.request_id();
  event.client_request_id = context.header("x-ms-client-request-id");
  return event;
}

// What anybody may read is nobody's business; the token service has a sign-in log of its own.
bool is_kept_elsewhere(const core::Route& route) {
  if (!route.anonymous) return false;
  return route.host == core::Host::kLogin || audit_kind(route) == core::AuditKind::kRead;
}

}  // namespace

core::AuditKind audit_kind(const core::Route& route) {
  if (core::is_credential_release(route.operation)) return core::AuditKind::kRelease;
  const bool looks = route.method == http::Method::kGet || route.method == http::Method::kHead;
  // Scoring asks a model and changes nothing.
  if (looks || route.host == core::Host::kInference || route.operation.name.ends_with("/read"))
    return core::AuditKind::kRead;
  return core::AuditKind::kWrite;
}

Result<void> AuditTrail::ready(const core::Route& route) {
  if (is_kept_elsewhere(route) || audit_kind(route) == core::AuditKind::kRead) return {};
  return audit_.ready();
}

Result<core::AuditTicket> AuditTrail::begin(const core::RequestContext& context,
                                            const Trace& trace) {
  const core::AuditKind kind = audit_kind(context.route());
  if (is_kept_elsewhere(context.route()) || kind == core::AuditKind::kRead)
    return core::AuditTicket();
  return audit_.begin(event_of(kind, context, trace, {}));
}

Result<void> AuditTrail::answered(const core::RequestContext& context, const Trace& trace,
                                  const core::AuditTicket& begun, Outcome outcome) {
  if (begun) return audit_.end(begun, outcome.status, outcome.code);
  if (is_kept_elsewhere(context.route())) return {};
  audit_.note(key_of(context, trace, outcome),
              [&] { return event_of(core::AuditKind::kRead, context, trace, outcome); });
  return {};
}

void AuditTrail::denied(const core::RequestContext& context, const Trace& trace, Outcome outcome,
                        bool may_wait) {
  auto event = [&] { return event_of(core::AuditKind::kDenial, context, trace, outcome); };
  if (!may_wait) return audit_.note("denial\n" + key_of(context, trace, outcome), event);
  if (auto written = audit_.record_first(event()); !written.ok())
    log::error("audit", written.error().message, {{"request", context.request_id()}});
}

}  // namespace lazuli::server
