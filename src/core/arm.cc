// SPDX-License-Identifier: Apache-2.0
#include "core/arm.h"

#include "base/strings.h"

namespace lazuli::core {

Result<ArmId> ArmId::parse(std::string_view id) {
  auto bad = [&] {
    return invalid_argument(cat({"not a resource id: '", id.substr(0, 300), "'"}),
                            "LinkedInvalidPropertyId");
  };
  if (id.empty() || id.front() != '/') return bad();
  std::vector<std::string_view> pieces = split(id.substr(1), '/');
  if (!pieces.empty() && pieces.back().empty()) pieces.pop_back();
  ArmId parsed;
  if (pieces.size() % 2 != 0 || pieces.empty()) return bad();
  for (size_t i = 0; i < pieces.size(); i += 2) {
    std::string_view type = pieces[i], name = pieces[i + 1];
    if (type.empty() || name.empty()) return bad();
    if (i == 0 && iequals(type, "subscriptions"))
      parsed.subscription = name;
    else if (i == 2 && iequals(type, "resourceGroups"))
      parsed.resource_group = name;
    else if (parsed.provider.empty() && iequals(type, "providers"))
      parsed.provider = name;
    else if (!parsed.provider.empty())
      parsed.segments.emplace_back(type, name);
    else
      return bad();
  }
  return parsed;
}

std::string ArmId::to_string() const {
  std::string id;
  if (!subscription.empty()) id += "/subscriptions/" + subscription;
  if (!resource_group.empty()) id += "/resourceGroups/" + resource_group;
  if (!provider.empty()) id += "/providers/" + provider;
  for (const auto& [type, name] : segments) id += "/" + type + "/" + name;
  return id;
}

std::string ArmId::type() const {
  std::string type = provider;
  for (const auto& segment : segments) type += "/" + segment.first;
  return type;
}

std::string_view ArmId::name_of(std::string_view segment_type) const {
  for (const auto& [type, name] : segments)
    if (iequals(type, segment_type)) return name;
  return {};
}

namespace {

Json system_data_json(const SystemData& data) {
  return Json::object({{"createdAt", format_iso8601(data.created_at)},
                       {"createdBy", data.created_by},
                       {"createdByType", "Application"},
                       {"lastModifiedAt", format_iso8601(data.last_modified_at)},
                       {"lastModifiedBy", data.last_modified_by},
                       {"lastModifiedByType", "Application"}});
}

}  // namespace

Json arm_envelope(const std::string& id, const SystemData& system_data, Json properties) {
  std::string name(split(id, '/').back()), type;
  if (Result<ArmId> parsed = ArmId::parse(id); parsed.ok()) type = parsed->type();
  return Json::object({{"id", id},
                       {"name", name},
                       {"type", type},
                       {"properties", std::move(properties)},
                       {"systemData", system_data_json(system_data)}});
}

Json arm_list(Json::Array items, std::string next) {
  Json list = Json::object({{"value", Json::array(std::move(items))}});
  list.set("nextLink", next.empty() ? Json() : Json(std::move(next)));
  return list;
}

Result<Page> page_of(const RequestContext& context, size_t top_max) {
  Page page;
  page.top = std::min<size_t>(page.top, top_max);
  auto read = [&](std::string_view name, size_t& value) -> Result<void> {
    auto text = context.query(name);
    if (!text) return {};
    auto number = parse_int(*text);
    if (!number || *number < 0)
      return invalid_argument(cat({"the query parameter ", name, " must be a whole number"}),
                              "InvalidQueryParameterValue");
    value = static_cast<size_t>(*number);
    return {};
  };
  TRY(read("$top", page.top));
  TRY(read("count", page.top));
  TRY(read("$skip", page.skip));
  TRY(read("$skipToken", page.skip));
  page.top = std::clamp<size_t>(page.top, 1, top_max);
  return page;
}

std::string next_link(const RequestContext& context, const Page& page) {
  std::string query;
  auto items = parse_form(context.head().query);
  if (items.ok()) {
    for (const auto& [name, value] : *items) {
      if (iequals(name, "$skip") || iequals(name, "$skipToken")) continue;
      query += cat({url_encode(name), "=", url_encode(value), "&"});
    }
  }
  query += "$skipToken=" + std::to_string(page.skip + page.top);
  std::string_view host = context.head().host;
  return cat({"https://", host, context.port_suffix(), context.head().raw_path, "?", query});
}

http::Response json_response(const Json& body, int status) {
  return http::Response(status, body.dump(), "application/json; charset=utf-8");
}

}  // namespace lazuli::core
