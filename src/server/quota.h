// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/time.h"
#include "core/context.h"
#include "http/message.h"

namespace lazuli::server {

// How many requests a caller may make of Azure Resource Manager: a token bucket for each caller,
// subscription and kind (reads, writes, deletes), as Azure has them; the answers say what is left.
// Thread-safe.
// Source:
// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
class Quota {
 public:
  struct Limits {
    double reads_max = 12'000, reads_per_second = 250;
    double writes_max = 6'000, writes_per_second = 100;  // deletes as well, apart
    size_t buckets_max = 20'000;
  };
  explicit Quota(const Limits& limits) : limits_(limits) {}

  // Counts one request of the control plane; kResourceExhausted
  // "SubscriptionRequestsThrottled" when none is left.
  Result<void> take(const core::RequestContext& context);
  // x-ms-ratelimit-remaining-subscription-reads and its kin; Retry-After with a 429.
  void tell(const core::RequestContext& context, http::Response& response);

 private:
  struct Bucket {
    double left = 0;
    SteadyClock::time_point filled{};
  };
  Bucket& filled(const std::string& key, bool reads);  // under the mutex
  void forget_full_ones();

  Limits limits_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace lazuli::server
