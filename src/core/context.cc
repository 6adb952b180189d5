// SPDX-License-Identifier: Apache-2.0
#include "core/context.h"

#include "base/ids.h"
#include "base/strings.h"
#include "core/service.h"

namespace lazuli::core {
namespace {

const std::string kEmpty;

// The decoded path segments from "subscriptions" on.
std::vector<std::string> arm_segments(std::string_view raw_path) {
  std::vector<std::string> segments;
  for (std::string_view piece : split(raw_path, '/')) {
    if (segments.empty() && !iequals(piece, "subscriptions")) continue;
    auto decoded = url_decode(piece);
    segments.push_back(decoded.ok() ? std::move(*decoded) : std::string(piece));
  }
  return segments;
}

std::string canonical_type(std::string_view type) {
  if (iequals(type, "resourcegroups")) return "resourceGroups";
  if (iequals(type, "microsoft.machinelearningservices"))
    return "Microsoft.MachineLearningServices";
  return std::string(type);
}

}  // namespace

RequestContext::RequestContext(http::Exchange& exchange, const Route& route,
                               const Installation& installation)
    : exchange_(exchange), route_(route), installation_(installation), request_id_(new_uuid()) {
  if (exchange.head.query.empty()) return;
  // A signature of storage holds '+' as itself; elsewhere Go's clients write a space so.
  auto items = route.host == Host::kBlob ? parse_query(exchange.head.query)
                                         : parse_form(exchange.head.query);
  if (items.ok()) query_ = std::move(*items);
}

const Principal& RequestContext::principal() const {
  CHECK(principal_.has_value());
  return *principal_;
}

std::string_view RequestContext::shown_path() const {
  return route_.path_is_secret ? std::string_view(route_.path) : head().raw_path;
}

const std::string& RequestContext::param(std::string_view name) const {
  const std::string* found = params_.find(name);
  return found == nullptr ? kEmpty : *found;
}

std::optional<std::string_view> RequestContext::query(std::string_view name) const {
  for (const auto& [key, value] : query_)
    if (iequals(key, name)) return value;
  return {};
}

std::string_view RequestContext::query_or(std::string_view name, std::string_view fallback) const {
  return query(name).value_or(fallback);
}

std::string_view RequestContext::header(std::string_view name) const {
  return exchange_.head.headers.get_or(name, {});
}

Result<Json> RequestContext::json() const {
  Json body = TRY(Json::parse(exchange_.body));
  if (!body.is_object())
    return invalid_argument("the request body must be a JSON object", "InvalidRequestContent");
  return body;
}

std::string RequestContext::arm_id() const {
  std::vector<std::string> segments = arm_segments(exchange_.head.raw_path);
  size_t pairs = segments.size() / 2;
  // "…/providers/Microsoft.X/workspaces" lists below the group: the provider alone is no resource.
  if (pairs > 0 && iequals(segments[pairs * 2 - 2], "providers")) --pairs;
  std::string id;
  for (size_t i = 0; i < pairs * 2; ++i) id += "/" + canonical_type(segments[i]);
  return id;
}

std::string RequestContext::workspace_id() const {
  std::vector<std::string> segments = arm_segments(exchange_.head.raw_path);
  std::string id;
  for (size_t i = 0; i + 1 < segments.size(); i += 2) {
    id += cat({"/", canonical_type(segments[i]), "/", canonical_type(segments[i + 1])});
    if (iequals(segments[i], "workspaces")) break;
  }
  return id;
}

std::string RequestContext::port_suffix() const {
  return exchange_.head.port == 443 ? std::string() : ":" + std::to_string(exchange_.head.port);
}

const std::string& RequestContext::domain() const { return installation_.domain; }

std::string RequestContext::url(std::string_view host_prefix, std::string_view path) const {
  return cat({"https://", host_prefix, ".", domain(), port_suffix(), path});
}

}  // namespace lazuli::core
