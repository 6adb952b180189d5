// SPDX-License-Identifier: Apache-2.0
#include "services/endpoints/routing.h"

#include <random>

#include "base/strings.h"

namespace lazuli::endpoints {
namespace {

std::string_view bearer(const http::RequestHead& head) {
  std::string_view value = head.headers.get_or("Authorization", {});
  return istarts_with(value, "Bearer ") ? trim(value.substr(7)) : std::string_view();
}

int draw_percent() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<int>(0, 99)(random);
}

}  // namespace

std::string_view endpoint_of(std::string_view host) { return host.substr(0, host.find('.')); }

std::shared_ptr<const Target> Routing::find(std::string_view endpoint) const {
  auto table = table_.load(std::memory_order_acquire);
  auto found = table->find(endpoint);
  return found == table->end() ? nullptr : found->second;
}

void Routing::set(const std::string& endpoint, std::shared_ptr<const Target> target) {
  std::lock_guard lock(writers_);
  auto next = std::make_shared<Table>(*table_.load());
  (*next)[endpoint] = std::move(target);
  table_.store(std::move(next), std::memory_order_release);
}

void Routing::erase(const std::string& endpoint) {
  std::lock_guard lock(writers_);
  auto next = std::make_shared<Table>(*table_.load());
  next->erase(endpoint);
  table_.store(std::move(next), std::memory_order_release);
}

Result<std::shared_ptr<Lane>> Routing::choose(const Target& target, std::string_view pinned) {
  std::string_view name = pinned;
  if (name.empty()) {
    int left = draw_percent();
    for (const auto& [deployment, percent] : target.traffic) {
      left -= percent;
      if (left >= 0) continue;
      name = deployment;
      break;
    }
    if (name.empty())
      return not_found(
          "No deployment of this endpoint has traffic. Set its traffic, or pin one "
          "with the header azureml-model-deployment.");
  }
  auto lane = target.lanes.find(name);
  if (lane == target.lanes.end())
    return not_found(cat({"The deployment '", name.substr(0, 64),
                          "' named by the header "
                          "azureml-model-deployment does not exist in this endpoint."}));
  return lane->second;
}

bool KeyAuthenticator::present(const http::RequestHead& head) const {
  auto target = routing_.find(endpoint_of(head.host));
  return target && target->auth_mode == "Key" && !bearer(head).empty();
}

Result<core::Verified> KeyAuthenticator::verify(const http::RequestHead& head, std::string_view) {
  auto target = routing_.find(endpoint_of(head.host));
  std::string_view key = bearer(head);
  bool first = target && equal_constant_time(key, target->primary_key.expose());
  bool second = target && equal_constant_time(key, target->secondary_key.expose());
  if (!first && !second)
    return unauthenticated("The key is not one of this endpoint's keys. Get them with listKeys.");
  core::Verified verified;
  verified.name = std::string(endpoint_of(head.host));
  verified.kind = core::CredentialKind::kEndpointKey;
  verified.grants = std::vector<core::Grant>{{{std::string(kScoreOperation)}, target->arm_id}};
  return verified;
}

}  // namespace lazuli::endpoints
