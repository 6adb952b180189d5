// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/azureml/compute; azure-ai-ml
// operations/_compute_operations.py
#include "base/strings.h"
#include "core/arm.h"
#include "core/events.h"
#include "core/operations.h"
#include "services/workspace/handlers.h"
#include "services/workspace/store.h"
#include "services/workspace/wire.h"

namespace lazuli::workspace {
namespace {

// Writes at once, and leaves behind the finished operation that clients poll.
template <typename F>
auto with_operation(Registry& registry, const std::string& resource_id, std::string& operation,
                    F closure) {
  return registry.db().write([&](db::Tx& tx) -> std::invoke_result_t<F&, db::Tx&> {
    auto outcome = closure(tx);
    if (!outcome.ok()) return outcome;
    operation = TRY(registry.operations().begin(tx, resource_id));
    TRY(registry.operations().finish(tx, operation, {}));
    return outcome;
  });
}

}  // namespace

Answer get_compute(Registry& registry, Context& context) {
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  ComputeRow row = TRY(registry.find_compute(workspace, context.param("name")));
  return core::json_response(compute_json(workspace, row));
}

Answer list_computes(Registry& registry, Context& context) {
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  Json::Array items;
  for (const ComputeRow& row : TRY(registry.computes(workspace)))
    items.push_back(compute_json(workspace, row));
  return core::json_response(core::arm_list(std::move(items)));
}

// A cluster is this machine under another name; vmSize and scale are kept as the client's own
// notes.
Answer put_compute(Registry& registry, Context& context) {
  const std::string& name = context.param("name");
  TRY(check_compute_name(name));
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  if (iequals(name, kServerless) || iequals(name, "local"))
    return invalid_argument(cat({"'", name, "' is a reserved compute name."}), "BadArgument");
  Json body = TRY(context.json());
  ComputeRow row = TRY(parse_compute(body));
  row.workspace = workspace.id;
  row.name = name;
  if (row.location.empty()) row.location = workspace.location;
  const auto identity =
      TRY(directory::read_identity(body["identity"], Json(), directory::IdentityChange::kReplace));
  if (identity)
    TRY(directory::check_assignable(registry.authorizer(), context.principal(), *identity));
  std::string operation;
  bool is_new =
      TRY(with_operation(registry, context.arm_id(), operation, [&](db::Tx& tx) -> Result<bool> {
        auto before = TRY(store::find_compute(tx, workspace.id, name));
        row.system_data = touched(context, before ? &before->system_data : nullptr);
        if (before) row.name = before->name, row.identity = before->identity;
        if (identity)
          row.identity =
              TRY(registry.identities().assign_identity(tx, arm_id(workspace, row), *identity));
        return store::put_compute(tx, row);
      }));
  http::Response response = core::json_response(compute_json(workspace, row), is_new ? 201 : 200);
  core::add_polling_headers(context, operation, response);
  return response;
}

Answer delete_compute(Registry& registry, Context& context) {
  const std::string& name = context.param("name");
  WorkspaceRow workspace = TRY(workspace_of(registry, context));
  if (iequals(name, kServerless))
    return invalid_argument("'serverless' is reserved and cannot be deleted.", "BadArgument");
  std::string operation;
  bool deleted =
      TRY(with_operation(registry, context.arm_id(), operation, [&](db::Tx& tx) -> Result<bool> {
        const bool deleted = TRY(store::delete_compute(tx, workspace.id, name));
        if (deleted) TRY(core::publish_deleted(registry.events(), tx, context.arm_id()));
        return deleted;
      }));
  if (!deleted) return http::Response(204);
  http::Response response(202);
  core::add_polling_headers(context, operation, response);
  return response;
}

}  // namespace lazuli::workspace
