// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/audit.h"
#include "core/context.h"
#include "core/dispatch.h"
#include "core/events.h"
#include "core/operations.h"
#include "core/service.h"
#include "services/authorization/api.h"
#include "services/resources/store.h"

namespace lazuli::resources {

class DeploymentRunner;
class DeploymentStore;
class Locks;
class LockStore;

// What the handlers work with; filled by start().
struct Parts {
  const core::Installation& installation;
  std::unique_ptr<Store> store;
  core::Operations* operations = nullptr;
  core::Dispatcher* dispatcher = nullptr;
  core::Audit* audit = nullptr;
  core::Vault* vault = nullptr;
  core::Events* events = nullptr;
  authorization::Authorization* authorization = nullptr;
  std::unique_ptr<DeploymentStore> deployments;
  std::unique_ptr<DeploymentRunner> runner;
  std::unique_ptr<LockStore> lock_store;
  Locks* locks = nullptr;
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
Answer unregister_provider(const Parts& parts, Context& context);

// group_handlers.cc
Answer list_groups(const Parts& parts, Context& context);
Answer get_group(const Parts& parts, Context& context);
Answer head_group(const Parts& parts, Context& context);
Answer put_group(const Parts& parts, Context& context);
Answer patch_group(const Parts& parts, Context& context);
Answer delete_group(const Parts& parts, Context& context);

// resource_handlers.cc
Answer list_group_resources(const Parts& parts, Context& context);
Answer list_subscription_resources(const Parts& parts, Context& context);

// activity_handlers.cc
Answer list_activity(const Parts& parts, Context& context);

// lock_handlers.cc
Answer put_lock(const Parts& parts, Context& context);
Answer get_lock(const Parts& parts, Context& context);
Answer delete_lock(const Parts& parts, Context& context);
Answer list_locks(const Parts& parts, Context& context);

// tag_handlers.cc
Answer get_tags(const Parts& parts, Context& context);
Answer put_tags(const Parts& parts, Context& context);
Answer patch_tags(const Parts& parts, Context& context);
Answer delete_tags(const Parts& parts, Context& context);

// deployment_handlers.cc
Answer put_deployment(const Parts& parts, Context& context);
Answer get_deployment(const Parts& parts, Context& context);
Answer head_deployment(const Parts& parts, Context& context);
Answer list_deployments(const Parts& parts, Context& context);
Answer delete_deployment(const Parts& parts, Context& context);
Answer cancel_deployment(const Parts& parts, Context& context);
Answer validate_deployment(const Parts& parts, Context& context);
Answer what_if_deployment(const Parts& parts, Context& context);
Answer export_deployment(const Parts& parts, Context& context);
Answer get_deployment_status(const Parts& parts, Context& context);
Answer get_deployment_result(const Parts& parts, Context& context);
Answer list_deployment_operations(const Parts& parts, Context& context);
Answer get_deployment_operation(const Parts& parts, Context& context);
Answer calculate_template_hash(const Parts& parts, Context& context);

// operation_handlers.cc
Answer get_operation_status(const Parts& parts, Context& context);
Answer get_operation_result(const Parts& parts, Context& context);

std::string group_id(const core::Installation& installation, std::string_view name);
Json group_json(const core::Installation& installation, const ResourceGroup& group);

// Whether the caller may do an operation on a scope: for lists that show each caller their own.
Result<bool> may(const Parts& parts, const Context& context, std::string_view operation,
                 const std::string& scope);

// kNotFound "SubscriptionNotFound" unless it is ours.
Result<void> check_subscription(const Parts& parts, const Context& context);

}  // namespace lazuli::resources
