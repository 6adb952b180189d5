// SPDX-License-Identifier: Apache-2.0
#include "core/operations.h"

#include "base/strings.h"
#include "core/service.h"

namespace lazuli::core {
namespace {

std::string_view state_text(OperationState state) {
  switch (state) {
    case OperationState::kInProgress:
      return "InProgress";
    case OperationState::kSucceeded:
      return "Succeeded";
    case OperationState::kFailed:
      return "Failed";
    case OperationState::kCanceled:
      return "Canceled";
  }
  return "InProgress";
}

}  // namespace

void add_polling_headers(const RequestContext& context, const std::string& operation_id,
                         http::Response& response) {
  std::string_view subscription = context.param("sub");
  std::string path =
      cat({"/subscriptions/", subscription,
           "/providers/Microsoft.MachineLearningServices/locations/", context.installation().region,
           "/mfeOperationsStatus/", operation_id, "?api-version=2022-02-01-preview"});
  response.header("Azure-AsyncOperation", context.url("management", path));
  // Without a Retry-After header: it would win, and a whole second is the least it can say.
  response.header("retry-after-ms", "20");
  if (response.status == 202) {
    response.header("Location", context.url("management", replace_all(path, "mfeOperationsStatus",
                                                                      "mfeOperationResults")));
  }
}

Duration hold_of(const RequestContext& context, Duration most) {
  for (std::string_view each : split(context.header("Prefer"), ',')) {
    const std::vector<std::string_view> parts = split(each, '=');
    if (parts.size() != 2 || !iequals(trim(parts[0]), "wait")) continue;
    const auto seconds = parse_int(trim(parts[1]));
    if (seconds && *seconds >= 0 && *seconds < 3600)
      return std::min<Duration>(most, std::chrono::seconds(*seconds));
  }
  return most;
}

Json operation_document(const OperationStatus& status) {
  Json document =
      Json::object({{"id", status.id},
                    {"name", status.id},
                    {"status", state_text(status.state)},
                    {"percentComplete", status.state == OperationState::kInProgress ? 0 : 100}});
  if (status.error) {
    document.set("error", Json::object({{"code", status.error->wire_code},
                                        {"message", status.error->message},
                                        {"details", Json::array()}}));
  }
  return document;
}

}  // namespace lazuli::core
