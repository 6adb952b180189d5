// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "core/operations.h"
#include "core/service.h"
#include "services/resources/store.h"

namespace lazuli::resources {

// What the handlers work with; filled by start().
struct Parts {
  const core::Installation& installation;
  std::unique_ptr<Store> store;
  core::Operations* operations = nullptr;
};

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// metadata_handlers.cc
Answer get_metadata(const Parts& parts, Context& context);

// subscription_handlers.cc
Answer list_tenants(const Parts& parts, Context& context);
Answer list_subscriptions(const Parts& parts, Context& context);
Answer get_subscription(const Parts& parts, Context& context);
Answer list_locations(const Parts& parts, Context& context);
Answer list_providers(const Parts& parts, Context& context);
Answer get_provider(const Parts& parts, Context& context);

// group_handlers.cc
Answer list_groups(const Parts& parts, Context& context);
Answer get_group(const Parts& parts, Context& context);
Answer head_group(const Parts& parts, Context& context);
Answer put_group(const Parts& parts, Context& context);

// operation_handlers.cc
Answer get_operation_status(const Parts& parts, Context& context);
Answer get_operation_result(const Parts& parts, Context& context);

// kNotFound "SubscriptionNotFound" unless it is ours.
Result<void> check_subscription(const Parts& parts, const Context& context);

}  // namespace lazuli::resources
