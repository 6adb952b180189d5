// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/rbac.h"

#include "base/strings.h"

namespace lazuli::authorization {
namespace {

constexpr size_t kRememberedMax = 512;  // of each shard
constexpr size_t kKeyBytesMax = 600;    // longer ones are decided anew each time

// What a decision is remembered under. No part can hold the separator's byte twice over: ids and
// operations have none.
std::string key_of(const core::Access& access) {
  std::string key;
  key.reserve(access.principal.object_id().size() + access.operation.name.size() +
              access.scope.size() + 3);
  key += access.principal.object_id();
  if (const Timestamp kept = access.principal.kept(); kept != Timestamp{}) {
    key += '\3';
    key += std::to_string(to_micros(kept));
  }
  key += access.operation.is_data_action ? '\2' : '\1';
  key += access.operation.name;
  key += '\1';
  key += access.scope;
  return key;
}

Error refusal(const core::Access& access) {
  const core::Principal& principal = access.principal;
  return permission_denied(
      cat({"The client '", principal.app_id().empty() ? principal.name() : principal.app_id(),
           "' with object id '", principal.object_id(),
           "' does not have authorization to perform action '", access.operation.name,
           "' over scope '", access.scope,
           "' or the scope is invalid. If access was recently granted, please refresh your "
           "credentials."}));
}

}  // namespace

Rbac::Rbac(const BuiltInRoles& built_in, std::string tenant_id, Store& store,
           directory::Directory* directory)
    : built_in_(built_in), tenant_id_(std::move(tenant_id)), store_(store), directory_(directory) {}

Result<core::Allowed> Rbac::authorize(const core::Access& access) {
  const core::Principal& principal = access.principal;
  if (principal.grants() && !core::grants_cover(principal, access.operation, access.scope))
    return refusal(access);
  if (principal.object_id().empty()) {
    if (principal.grants()) return core::Allowed{};
    return refusal(access);
  }
  Remembered decision = TRY(by_roles(access));
  if (!decision.allowed) return refusal(access);
  return std::move(decision.by);
}

// Generations are read before what they stand for: a change in between makes the memory old.
Result<Rbac::Remembered> Rbac::by_roles(const core::Access& access) {
  Remembered fresh;
  fresh.generation = generation_;
  fresh.directory_generation = directory_ == nullptr ? 0 : directory_->generation();
  std::string key = key_of(access);
  Shard& shard = shards_[std::hash<std::string>()(key) % shards_.size()];
  {
    std::lock_guard lock(shard.mutex);
    auto known = shard.decisions.find(key);
    if (known != shard.decisions.end() && known->second.generation == fresh.generation &&
        known->second.directory_generation == fresh.directory_generation)
      return known->second;
  }
  std::shared_ptr<const Policy> now = TRY(policy());
  Decision decision = TRY(decide(access, *now));
  fresh.allowed = decision.allowed;
  if (decision.allowed) fresh.by = {decision.by->assignment.role_id, decision.by->assignment.name};
  if (decision.depends_on_request || key.size() > kKeyBytesMax) return fresh;
  std::lock_guard lock(shard.mutex);
  if (shard.decisions.size() >= kRememberedMax) shard.decisions.clear();
  shard.decisions.insert_or_assign(std::move(key), fresh);
  return fresh;
}

Result<Decision> Rbac::decide(const core::Access& access, const Policy& policy) {
  std::shared_ptr<const std::vector<std::string>> groups;
  if (directory_ != nullptr) {
    directory::Standing standing = TRY(directory_->standing(access.principal.object_id()));
    // What a principal left behind (a signature made with its delegation key) ends with it.
    if (!standing.exists || !standing.enabled) return Decision{};
    const Timestamp kept = access.principal.kept();
    if (kept != Timestamp{} && !standing.admits(kept)) return Decision{};
    groups = std::move(standing.groups);
  }
  const std::string operation = to_lower(access.operation.name);
  PolicyQuestion question{access.principal.object_id(),    groups.get(), operation,
                          access.operation.is_data_action, access.scope, &access.attributes,
                          access.conditions_later};
  return policy.decide(question);
}

Result<std::shared_ptr<const std::vector<std::string>>> Rbac::groups_of(
    const std::string& object_id) {
  if (directory_ == nullptr) return std::shared_ptr<const std::vector<std::string>>();
  return TRY(directory_->standing(object_id)).groups;
}

// Read after the generation was looked at: a change in between is seen by the next request.
Result<std::shared_ptr<const Policy>> Rbac::policy() {
  auto current = snapshot_.load();
  if (current && current->generation == generation_) return current->policy;
  std::lock_guard lock(loading_);
  const uint64_t wanted = generation_;
  current = snapshot_.load();
  if (current && current->generation == wanted) return current->policy;
  auto policy = std::make_shared<const Policy>(TRY(store_.load()), built_in_, tenant_id_);
  snapshot_.store(std::make_shared<const Snapshot>(Snapshot{wanted, policy}));
  return policy;
}

}  // namespace lazuli::authorization
