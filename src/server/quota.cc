// SPDX-License-Identifier: Apache-2.0
#include "server/quota.h"

#include <cmath>

#include "base/strings.h"

namespace lazuli::server {
namespace {

std::string_view kind_of(const core::RequestContext& context) {
  switch (context.head().method) {
    case http::Method::kGet:
    case http::Method::kHead:
    case http::Method::kOptions:
      return "reads";
    case http::Method::kDelete:
      return "deletes";
    default:
      return "writes";
  }
}

std::string key_of(const core::RequestContext& context) {
  const core::Principal& caller = context.principal();
  return cat({caller.object_id(), "|", to_lower(context.param("sub")), "|", kind_of(context)});
}

bool counts(const core::RequestContext& context) {
  return context.route().host == core::Host::kManagement && context.has_principal();
}

}  // namespace

Quota::Bucket& Quota::filled(const std::string& key, bool reads) {
  const double most = reads ? limits_.reads_max : limits_.writes_max;
  const double rate = reads ? limits_.reads_per_second : limits_.writes_per_second;
  const auto time = SteadyClock::now();
  if (buckets_.size() >= limits_.buckets_max) forget_full_ones();
  auto [found, fresh] = buckets_.try_emplace(key, Bucket{most, time});
  Bucket& bucket = found->second;
  const std::chrono::duration<double> passed = time - bucket.filled;
  bucket.left = std::min(most, bucket.left + passed.count() * rate);
  bucket.filled = time;
  return bucket;
}

// A bucket that has filled up again tells nothing that a new one would not.
void Quota::forget_full_ones() {
  const auto long_ago = SteadyClock::now() - std::chrono::minutes(2);
  std::erase_if(buckets_, [&](const auto& each) { return each.second.filled < long_ago; });
  if (buckets_.size() >= limits_.buckets_max) buckets_.clear();
}

Result<void> Quota::take(const core::RequestContext& context) {
  if (!counts(context)) return {};
  std::lock_guard lock(mutex_);
  Bucket& bucket = filled(key_of(context), kind_of(context) == "reads");
  if (bucket.left >= 1) {
    bucket.left -= 1;
    return {};
  }
  return Error{Code::kResourceExhausted,
               "SubscriptionRequestsThrottled",
               cat({"The number of ", kind_of(context),
                    " for this caller has exceeded the limit; try again in a second."}),
               {},
               {}};
}

void Quota::tell(const core::RequestContext& context, http::Response& response) {
  if (!counts(context)) return;
  double left = 0;
  {
    std::lock_guard lock(mutex_);
    left = filled(key_of(context), kind_of(context) == "reads").left;
  }
  const std::string_view scope = context.param("sub").empty() ? "tenant" : "subscription";
  response.header(cat({"x-ms-ratelimit-remaining-", scope, "-", kind_of(context)}),
                  std::to_string(static_cast<int64_t>(left)));
  if (response.status == 429) response.header("Retry-After", "1");
}

}  // namespace lazuli::server
