// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "core/dispatch.h"
#include "core/events.h"
#include "core/vault.h"
#include "http/message.h"
#include "services/schedules/firer.h"
#include "services/workspace/api.h"

namespace lazuli::schedules {

// What handlers work with.
struct Context {
  workspace::Workspaces& workspaces;
  core::Dispatcher& dispatcher;
  core::Vault& vault;
  core::Events& events;
  db::Database::Handle db;
  Firer& firer;
};

using Answer = Result<http::Response>;
Answer put_schedule(const Context& context, core::RequestContext& request);
Answer get_schedule(const Context& context, core::RequestContext& request);
Answer list_schedules(const Context& context, core::RequestContext& request);
Answer delete_schedule(const Context& context, core::RequestContext& request);
Answer trigger_schedule(const Context& context, core::RequestContext& request);

}  // namespace lazuli::schedules
