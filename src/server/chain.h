// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/auth.h"
#include "core/context.h"
#include "core/router.h"
#include "core/service.h"
#include "http/server.h"

namespace lazuli::server {

// Who verifies which credential. All outlive the chain.
struct Authenticators {
  core::Authenticator* bearer = nullptr;
  core::Authenticator* shared_key = nullptr;
  core::Authenticator* sas = nullptr;
  core::Authenticator* endpoint_key = nullptr;
};

// The life of every request, in order: host → route → authenticate once → authorize → limits →
// (body) → handler → answer. chain.cc reads from top to bottom.
class Chain final : public http::Application {
 public:
  Chain(const core::Installation& installation, const core::Router& router,
        Authenticators authenticators, core::Authorizer& authorizer);

  http::Pool place(const http::RequestHead& head) override;
  Admission admit(http::Exchange& exchange) override;
  http::Response handle(http::Exchange& exchange) override;
  http::Response reject(http::Exchange& exchange, const Error& error) override;
  http::Response overloaded(const http::RequestHead& head) override;

 private:
  struct State;
  Result<core::Match> find_route(const http::RequestHead& head) const;
  Result<void> authenticate(core::RequestContext& context);
  Result<core::Verified> verify_with(core::Credential credential, core::RequestContext& context);
  Result<void> check_second_token(const core::RequestContext& context);
  Result<void> authorize(const core::RequestContext& context);
  Result<http::BodyPlan> plan_body(http::Exchange& exchange, core::RequestContext& context);
  core::Authenticator* authenticator(core::Credential credential) const;
  std::string audience(core::Credential credential) const;
  http::Response fail(const core::RequestContext& context, const Error& error) const;
  http::Response fail_early(const http::RequestHead& head, const Error& error) const;
  void finish(const core::RequestContext& context, http::Response& response) const;

  const core::Installation& installation_;
  const core::Router& router_;
  Authenticators authenticators_;
  core::Authorizer& authorizer_;
};

}  // namespace lazuli::server
