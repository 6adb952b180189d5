// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/management-locks
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "services/resources/deployment_input.h"
#include "services/resources/deployment_runtime.h"
#include "services/resources/locks.h"
#include "services/resources/resource_list.h"
#include "services/resources/scope.h"

namespace lazuli::resources {
namespace {

constexpr size_t kNotesMax = 512, kNameMax = 260;

std::string lock_id(const Lock& lock) {
  return cat({lock.scope, "/providers/Microsoft.Authorization/locks/", lock.name});
}

Json lock_json(const Lock& lock) {
  Json properties =
      Json::object({{"level", lock.level == LockLevel::kReadOnly ? "ReadOnly" : "CanNotDelete"}});
  if (!lock.notes.empty()) properties.set("notes", lock.notes);
  if (!lock.owners.empty()) properties.set("owners", lock.owners);
  Json json = core::arm_envelope(lock_id(lock),
                                 {lock.created_by, lock.changed_by, lock.created, lock.changed},
                                 std::move(properties));
  json.set("type", "Microsoft.Authorization/locks");
  json.set("name", lock.name);
  return json;
}

// The scope in the path, which must be there.
Result<std::string> locked_scope(const Parts& parts, const Context& context) {
  const std::string& scope = context.param("scope");
  TRY(find_scope(parts, scope));
  if (scope.empty())
    return invalid_argument("Locks are for subscriptions, groups and resources.",
                            "InvalidLockScope");
  return scope;
}

// What is locked must be there, where it can be asked for.
Result<void> check_resource(const Parts& parts, const std::string& scope) {
  if (scope.find("/providers/") == scope.npos) return {};
  http::Response answer = parts.dispatcher->send(core::server_reader(std::string(kSystem)),
                                                 {.target = target_of(scope, "2024-03-01")});
  if (answer.status == 404) return error_of(answer);
  return {};
}

// A group that is being deleted gets no more locks.
Result<void> check_place(const Parts& parts, db::Tx& tx, const std::string& scope) {
  const core::ArmId id = TRY(core::ArmId::parse(scope));
  auto group = TRY(parts.store->find(tx, id.subscription, id.resource_group));
  if (group && group->deleting) return being_deleted(group->name);
  return {};
}

Result<Lock> find_lock(const Parts& parts, const Context& context) {
  const std::string scope = TRY(locked_scope(parts, context));
  for (const Lock& lock : parts.locks->all())
    if (iequals(lock.scope, scope) && iequals(lock.name, context.param("lock"))) return lock;
  return not_found(
      cat({"The lock '", context.param("lock").substr(0, 200), "' could not be found."}),
      "LockNotFound");
}

Result<LockLevel> level_of(const Json& properties) {
  const std::string_view level = properties["level"].str();
  if (iequals(level, "CanNotDelete")) return LockLevel::kCanNotDelete;
  if (iequals(level, "ReadOnly")) return LockLevel::kReadOnly;
  return invalid_argument(
      cat({"The lock level '", level.substr(0, 50), "' is none of CanNotDelete and ReadOnly."}),
      "InvalidLockLevel");
}

}  // namespace

Answer put_lock(const Parts& parts, Context& context) {
  Lock lock;
  lock.scope = TRY(locked_scope(parts, context));
  TRY(check_resource(parts, lock.scope));
  lock.name = context.param("lock");
  const Json body = TRY(context.json());
  lock.level = TRY(level_of(body["properties"]));
  lock.notes = body["properties"]["notes"].str();
  if (body["properties"]["owners"].is_array()) lock.owners = body["properties"]["owners"];
  if (lock.notes.size() > kNotesMax || lock.name.size() > kNameMax)
    return invalid_argument("A lock's notes have at most 512 characters, its name at most 260.",
                            "InvalidLock");
  lock.created_by = lock.changed_by = context.principal().name();
  lock.created = lock.changed = now();
  const auto before = find_lock(parts, context);
  if (before.ok()) {
    lock.created = before->created;
    lock.created_by = before->created_by;
    lock.name = before->name;
  }
  TRY(parts.lock_store->put(lock, [&](db::Tx& tx) { return check_place(parts, tx, lock.scope); }));
  TRY(parts.locks->load(*parts.lock_store));
  return core::json_response(lock_json(lock), before.ok() ? 200 : 201);
}

Answer get_lock(const Parts& parts, Context& context) {
  return core::json_response(lock_json(TRY(find_lock(parts, context))));
}

Answer delete_lock(const Parts& parts, Context& context) {
  const std::string scope = TRY(locked_scope(parts, context));
  const bool erased = TRY(parts.lock_store->erase(scope, context.param("lock")));
  TRY(parts.locks->load(*parts.lock_store));
  return http::Response(erased ? 200 : 204);
}

// Those of the scope, of what it lies in and of what lies in it; $filter=atScope() leaves the
// latter out.
Answer list_locks(const Parts& parts, Context& context) {
  const std::string scope = TRY(locked_scope(parts, context));
  const bool at_scope = iequals(trim(context.query_or("$filter", "")), "atScope()");
  Json::Array items;
  for (const Lock& lock : parts.locks->all()) {
    const bool above = core::scope_covers(lock.scope, scope);
    if (above || (!at_scope && core::scope_covers(scope, lock.scope)))
      items.push_back(lock_json(lock));
  }
  return core::json_response(core::arm_list(std::move(items)));
}

}  // namespace lazuli::resources
