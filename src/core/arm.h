// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "core/context.h"
#include "http/message.h"

namespace lazuli::core {

// An Azure Resource Manager id, taken apart. Comparison of ids is without case.
struct ArmId {
  std::string subscription, resource_group, provider;
  // ("workspaces", "main"), ("jobs", "j1")
  std::vector<std::pair<std::string, std::string>> segments;

  static Result<ArmId> parse(std::string_view id);
  std::string to_string() const;  // "/subscriptions/…/resourceGroups/…/providers/…"
  std::string type() const;       // "Microsoft.MachineLearningServices/workspaces/jobs"
  // The value under a segment type ("workspaces" → "main"); empty when absent.
  std::string_view name_of(std::string_view segment_type) const;
};

struct SystemData {
  std::string created_by, last_modified_by;
  Timestamp created_at{}, last_modified_at{};
};

// {"id","name","type","systemData","properties", …}: the envelope of every resource.
Json arm_envelope(const std::string& id, const SystemData& system_data, Json properties);

// {"value":[…],"nextLink":…}
Json arm_list(Json::Array items, std::string next_link = {});

// One page of a list: $top (bounded), $skip or our $skiptoken; makes the nextLink from the request.
struct Page {
  size_t top = 100;
  size_t skip = 0;
};
Result<Page> page_of(const RequestContext& context, size_t top_max = 1000);
std::string next_link(const RequestContext& context, const Page& page);

http::Response json_response(const Json& body, int status = 200);

// What a client may see of an error: an internal one that no service has named keeps its cause
// (SQL, paths) to the log and says under which request id to look there.
Error for_client(Error error, const std::string& request_id);

// The wire form of an error in a route's protocol, with the request's id.
http::Response error_response(ErrorShape shape, const Error& error, const std::string& request_id,
                              bool head_only);

}  // namespace lazuli::core
