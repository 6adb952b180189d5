// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/monitor/activity-logs/list
#include "base/strings.h"
#include "core/arm.h"
#include "core/audit.h"
#include "services/resources/scope.h"

namespace lazuli::resources {
namespace {

constexpr size_t kEventsMax = 1000;

Error not_understood(std::string_view text) {
  return invalid_argument(cat({"The $filter '", text.substr(0, 300),
                               "' is not understood: it takes eventTimestamp ge and le, "
                               "resourceGroupName, resourceUri, resourceProvider, caller and "
                               "correlationId eq, joined by and."}),
                          "InvalidFilterInQueryString");
}

struct ActivityFilter {
  core::AuditFilter audit;
  std::string caller, provider;
};

Result<void> apply(std::string_view field, std::string_view op, const std::string& value,
                   const std::string& subscription, ActivityFilter& filter) {
  if (iequals(field, "eventTimestamp")) {
    const Timestamp time = TRY(parse_iso8601(value));
    if (op == "ge") filter.audit.from = time;
    if (op == "le") filter.audit.until = time;
    return {};
  }
  if (op != "eq") return not_understood(field);
  if (iequals(field, "resourceGroupName"))
    filter.audit.scope = cat({subscription, "/resourceGroups/", value});
  else if (iequals(field, "resourceUri") || iequals(field, "resourceId"))
    filter.audit.scope = value;
  else if (iequals(field, "correlationId"))
    filter.audit.request_id = value;
  else if (iequals(field, "resourceProvider"))
    filter.provider = value;
  else if (iequals(field, "caller"))
    filter.caller = value;
  else if (!iequals(field, "eventChannels") && !iequals(field, "status") &&
           !iequals(field, "levels"))
    return not_understood(field);
  return {};
}

std::string_view take_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest = trim(rest.substr(word.size()));
  return word;
}

// Values stand in quotes; `az` leaves them out for times.
// "eventTimestamp ge '2026-01-01T00:00:00Z' and resourceGroupName eq 'rg'"
Result<ActivityFilter> parse_filter(std::string_view text, const std::string& subscription) {
  ActivityFilter filter;
  filter.audit.scope = subscription;
  filter.audit.count_max = kEventsMax;
  filter.audit.kinds = {core::AuditKind::kWrite, core::AuditKind::kRelease,
                        core::AuditKind::kDenial};
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    const std::string_view field = take_word(rest), op = take_word(rest);
    if (rest.empty()) return not_understood(text);
    std::string_view value;
    if (rest.front() == '\'') {
      const size_t close = rest.find('\'', 1);
      if (close == rest.npos) return not_understood(text);
      value = rest.substr(1, close - 1);
      rest = trim(rest.substr(close + 1));
    } else {
      value = take_word(rest);
    }
    TRY(apply(field, op, std::string(value), subscription, filter));
    if (rest.empty()) break;
    if (!istarts_with(rest, "and ")) return not_understood(text);
    rest = trim(rest.substr(4));
  }
  if (!core::scope_covers(subscription, filter.audit.scope))
    return not_found(cat(
        {"'", filter.audit.scope.substr(0, 300), "' is not in the subscription of the request."}));
  return filter;
}

Json localized(std::string_view value) {
  return Json::object({{"value", value}, {"localizedValue", value}});
}

std::string part_of(std::string_view id, std::string_view type) {
  const std::vector<std::string_view> parts = split(id, '/');
  for (size_t i = 0; i + 1 < parts.size(); ++i)
    if (iequals(parts[i], type)) return std::string(parts[i + 1]);
  return {};
}

Json event_json(const core::AuditEvent& event, const std::string& subscription_id) {
  const bool failed = event.status >= 400, ended = event.status != 0;
  const std::string status = ended ? std::to_string(event.status) : "";
  const std::string number = std::to_string(event.sequence);
  const std::string provider(event.operation.substr(0, event.operation.find('/')));
  const size_t verb = event.operation.rfind('/');
  return Json::object(
      {{"authorization", Json::object({{"action", event.operation}, {"scope", event.resource}})},
       {"caller", event.name.empty() ? event.app_id : event.name},
       {"channels", "Operation"},
       {"claims", Json::object({{"oid", event.object_id}, {"appid", event.app_id}})},
       {"correlationId", event.request_id},
       {"description", ""},
       {"eventDataId", number},
       {"eventName", localized(ended ? "EndRequest" : "BeginRequest")},
       {"category", localized("Administrative")},
       {"httpRequest", Json::object({{"clientRequestId", event.client_request_id},
                                     {"clientIpAddress", event.peer},
                                     {"method", event.method}})},
       {"id", cat({event.resource, "/events/", number, "/ticks/",
                   std::to_string(to_micros(event.time))})},
       {"level", failed ? "Error" : "Informational"},
       {"resourceGroupName", part_of(event.resource, "resourceGroups")},
       {"resourceProviderName", localized(provider)},
       {"resourceId", event.resource},
       {"resourceType", localized(verb == event.operation.npos ? event.operation
                                                               : event.operation.substr(0, verb))},
       {"operationId", event.request_id},
       {"operationName", localized(event.operation)},
       {"properties", Json::object({{"statusCode", status},
                                    {"operationId", event.operation_id},
                                    {"roleDefinitionId", event.role_id},
                                    {"roleAssignmentId", event.assignment_id}})},
       {"status", localized(!ended   ? "Started"
                            : failed ? "Failed"
                                     : "Succeeded")},
       {"subStatus", localized(event.code.empty() ? status : event.code)},
       {"eventTimestamp", format_iso8601(event.time)},
       {"submissionTimestamp", format_iso8601(event.time)},
       {"subscriptionId", subscription_id},
       {"tenantId", event.tenant_id}});
}

}  // namespace

// The audit log's writes, releases of credentials and denials, as Azure's activity log.
Answer list_activity(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  const std::string& id = parts.installation.subscription_id;
  const ActivityFilter filter =
      TRY(parse_filter(context.query_or("$filter", ""), cat({"/subscriptions/", id})));
  Json::Array items;
  for (const core::AuditEvent& event : TRY(parts.audit->find(filter.audit))) {
    if (!filter.caller.empty() && !iequals(event.name, filter.caller) &&
        !iequals(event.app_id, filter.caller))
      continue;
    if (!filter.provider.empty() && !istarts_with(event.operation, cat({filter.provider, "/"})))
      continue;
    items.push_back(event_json(event, id));
  }
  return core::json_response(core::arm_list(std::move(items)));
}

}  // namespace lazuli::resources
