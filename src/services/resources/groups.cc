// SPDX-License-Identifier: Apache-2.0
#include "services/resources/groups.h"

#include "base/strings.h"

namespace lazuli::resources {

Result<void> Groups::check(db::Tx& tx, const std::string& subscription, const std::string& group) {
  Store* store = store_;
  if (store == nullptr) return unavailable("the server is starting");
  if (!iequals(subscription, installation_.subscription_id))
    return not_found(
        cat({"The subscription '", subscription.substr(0, 100), "' could not be found."}),
        "SubscriptionNotFound");
  auto found = TRY(store->find(tx, subscription, group));
  if (!found)
    return not_found(cat({"Resource group '", group, "' could not be found."}),
                     "ResourceGroupNotFound");
  if (found->deleting) return being_deleted(found->name);
  return {};
}

}  // namespace lazuli::resources
