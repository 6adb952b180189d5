// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/audit.h"
#include "core/auth.h"
#include "core/context.h"
#include "core/dispatch.h"
#include "core/guard.h"
#include "core/in_flight.h"
#include "core/overload.h"
#include "core/router.h"
#include "core/service.h"
#include "http/server.h"
#include "server/audit_trail.h"
#include "server/quota.h"

namespace lazuli::server {

// Who verifies which credential. All outlive the chain.
struct Authenticators {
  core::Authenticator* bearer = nullptr;
  core::Authenticator* shared_key = nullptr;
  core::Authenticator* sas = nullptr;
  core::Authenticator* endpoint_key = nullptr;
};

// The life of every request, in order: host → route → authenticate once → authorize → limits →
// (body) → handler → audit → answer. chain.cc reads from top to bottom.
class Chain final : public http::Application, public core::Dispatcher {
 public:
  Chain(const core::Installation& installation, const std::vector<core::Manifest>& manifests,
        const core::Router& router, Authenticators authenticators, core::Authorizer& authorizer,
        core::Audit& audit, std::vector<core::Guard*> guards);
  // All services have started: requests within the process are answered from now on.
  void open() { open_ = true; }

  Placement place(http::Exchange& exchange) override;
  Admission admit(http::Exchange& exchange) override;
  http::Response handle(http::Exchange& exchange) override;
  http::Response reject(http::Exchange& exchange, const Error& error) override;
  http::Response overloaded(http::Exchange& exchange) override;

  http::Response send(const core::Principal& caller, const core::InnerRequest& request) override;
  Result<void> preflight(const core::Principal& caller, const core::InnerRequest& request) override;
  const std::vector<core::Manifest>& manifests() const override { return manifests_; }

 private:
  struct State;
  // `known`: whose request it is, where that needs no credential any more.
  Admission enter(http::Exchange& exchange, const core::Principal* known);
  Result<core::Match> find_route(const http::RequestHead& head) const;
  Result<void> authenticate(core::RequestContext& context);
  Result<core::Verified> verify_with(core::Credential credential, core::RequestContext& context);
  Result<void> check_second_token(const core::RequestContext& context);
  Result<void> authorize(State& state);
  Result<void> permit(State& state);
  Result<void> limit(State& state);
  Result<http::BodyPlan> plan_body(http::Exchange& exchange, core::RequestContext& context);
  core::Authenticator* authenticator(core::Credential credential) const;
  std::string audience(core::Credential credential) const;
  http::Response refuse(State& state, const Error& error);
  http::Response fail(const core::RequestContext& context, const Error& error);
  http::Response fail_early(const http::RequestHead& head, const Error& error) const;
  void finish(const core::RequestContext& context, http::Response& response);
  void log_request(const core::RequestContext& context, const http::Response& response) const;

  // Requests under way. A principal may use each class of pool that much; whoever signs in is not
  // known yet, so the sources share theirs.
  static constexpr size_t kEachPrincipalMax = 512;
  static constexpr size_t kSignInsMax = 48;

  const core::Installation& installation_;
  const std::vector<core::Manifest>& manifests_;
  const core::Router& router_;
  Authenticators authenticators_;
  core::Authorizer& authorizer_;
  AuditTrail trail_;
  std::vector<core::Guard*> guards_;
  Quota quota_{{}};
  std::atomic<bool> open_ = false;
  const core::LateAnswers late_;
  core::InFlight principals_{kEachPrincipalMax};
  core::InFlight sign_ins_{kSignInsMax};
};

}  // namespace lazuli::server
