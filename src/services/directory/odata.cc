// SPDX-License-Identifier: Apache-2.0
#include "services/directory/odata.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/text.h"

namespace lazuli::directory {
namespace {

constexpr size_t kTopMax = 999;
constexpr size_t kSelectMax = 100;

const Json kNothing;

int compare(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    double x = a.number(), y = b.number();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return to_lower(a.text()).compare(to_lower(b.text()));
}

bool equal(const Json& a, const Json& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  return compare(a, b) == 0;
}

bool compares(std::string_view op, const Json& a, const Json& b) {
  if (op == "eq") return equal(a, b);
  if (op == "ne") return !equal(a, b);
  if (a.is_null() || b.is_null()) return false;
  int order = compare(a, b);
  if (op == "gt") return order > 0;
  if (op == "ge") return order >= 0;
  if (op == "lt") return order < 0;
  return order <= 0;
}

bool holds(std::string_view function, const Json& subject, const Json& value) {
  if (!subject.is_string()) return false;
  std::string text = to_lower(subject.str()), part = to_lower(value.str());
  if (function == "startswith") return text.starts_with(part);
  if (function == "endswith") return text.ends_with(part);
  return text.find(part) != std::string::npos;
}

}  // namespace

const Json& at_path(const Json& object, std::string_view path) {
  const Json* at = &object;
  for (std::string_view step : split(path, '/')) {
    const Json* next = nullptr;
    for (const Json::Member& member : at->members())
      if (iequals(member.key, step)) next = &member.value;
    if (next == nullptr) return kNothing;
    at = next;
  }
  return *at;
}

bool before(const Json& a, const Json& b) { return compare(a, b) < 0; }

bool Filter::matches(const Json& object) const {
  auto match = [&](const Filter& child) { return child.matches(object); };
  switch (kind_) {
    case Kind::kAnd:
      return std::all_of(children_.begin(), children_.end(), match);
    case Kind::kOr:
      return std::any_of(children_.begin(), children_.end(), match);
    case Kind::kNot:
      return !children_.front().matches(object);
    case Kind::kCompare:
      return compares(name_, at_path(object, path_), values_.front());
    case Kind::kFunction:
      return holds(name_, at_path(object, path_), values_.front());
    case Kind::kIn: {
      const Json& subject = at_path(object, path_);
      return std::any_of(values_.begin(), values_.end(),
                         [&](const Json& value) { return equal(subject, value); });
    }
    case Kind::kAny:
      break;
  }
  const Json& items = at_path(object, path_);
  if (children_.empty()) return !items.empty();
  return std::any_of(items.items().begin(), items.items().end(), [&](const Json& item) {
    return children_.front().matches(Json::object({{name_, item}}));
  });
}

std::optional<std::string> Filter::required(std::string_view path) const {
  if (kind_ == Kind::kCompare && name_ == "eq" && iequals(path_, path) &&
      values_.front().is_string())
    return values_.front().text();
  if (kind_ != Kind::kAnd) return {};
  for (const Filter& child : children_)
    if (auto found = child.required(path)) return found;
  return {};
}

std::optional<std::string> Filter::required_element(std::string_view path) const {
  if (kind_ == Kind::kAny && iequals(path_, path) && !children_.empty())
    return children_.front().required(name_);
  if (kind_ != Kind::kAnd) return {};
  for (const Filter& child : children_)
    if (auto found = child.required_element(path)) return found;
  return {};
}

bool Filter::concerns(std::string_view property) const {
  if (iequals(std::string_view(path_).substr(0, path_.find('/')), property)) return true;
  if (kind_ == Kind::kAny) return false;  // below it, names are of its variable
  return std::ranges::any_of(children_,
                             [&](const Filter& child) { return child.concerns(property); });
}

bool ListOptions::concerns(std::string_view property) const {
  if (filter && filter->concerns(property)) return true;
  return std::ranges::any_of(select,
                             [&](const std::string& each) { return iequals(each, property); });
}

namespace {

Error unsupported(std::string message) {
  return invalid_argument(std::move(message), "Request_UnsupportedQuery");
}

std::vector<std::string> names_of(std::string_view list) {
  std::vector<std::string> names;
  for (std::string_view piece : split(list, ','))
    if (std::string_view name = trim(piece); !name.empty()) names.emplace_back(name);
  return names;
}

Result<void> read_order(std::string_view text, ListOptions& options) {
  std::vector<std::string> keys = names_of(text);
  if (keys.size() != 1) return unsupported("$orderby takes one property here");
  std::vector<std::string_view> words = split(keys.front(), ' ');
  options.order_by = words.front();
  options.descending = words.size() > 1 && iequals(words.back(), "desc");
  return {};
}

Result<void> read_top(std::string_view text, ListOptions& options) {
  auto number = parse_int(text);
  if (!number || *number < 1 || *number > static_cast<int64_t>(kTopMax))
    return invalid_argument(
        cat({"Invalid page size specified: '", text, "'. Must be between 1 and 999 inclusive."}),
        "Request_UnsupportedQuery");
  options.top = static_cast<size_t>(*number);
  return {};
}

}  // namespace

Result<ListOptions> list_options(const core::RequestContext& context) {
  ListOptions options;
  for (std::string_view missing : {"$search", "$expand", "$apply", "$skip"})
    if (context.query(missing))
      return unimplemented(
          cat({"the query option ", missing, " is known but not implemented yet"}));
  if (auto text = context.query("$filter")) options.filter = TRY(Filter::parse(*text));
  if (auto text = context.query("$select")) options.select = names_of(*text);
  if (options.select.size() > kSelectMax)
    return invalid_argument("$select names too many properties", "Request_BadRequest");
  if (auto text = context.query("$orderby")) TRY(read_order(*text, options));
  if (auto text = context.query("$top")) TRY(read_top(*text, options));
  options.skip_token = context.query_or("$skiptoken", {});
  options.count = iequals(context.query_or("$count", {}), "true");
  if (options.count && !iequals(context.header("ConsistencyLevel"), "eventual"))
    return invalid_argument(
        "Request with $count query parameter needs the header 'ConsistencyLevel: eventual'.",
        "Request_BadRequest");
  return options;
}

Json selected(Json object, const std::vector<std::string>& select) {
  if (select.empty()) return object;
  Json::Object kept;
  for (const Json::Member& member : object.members()) {
    bool asked = std::any_of(select.begin(), select.end(),
                             [&](const std::string& name) { return iequals(name, member.key); });
    if (asked || member.key.starts_with('@')) kept.push_back(member);
  }
  return Json::object(std::move(kept));
}

std::string next_page(const core::RequestContext& context, const std::string& skip_token) {
  std::string query;
  if (auto items = parse_form(context.head().query); items.ok())
    for (const auto& [name, value] : *items)
      if (!iequals(name, "$skiptoken"))
        query += cat({url_encode(name), "=", url_encode(value), "&"});
  return cat({"https://", context.head().host, context.port_suffix(), context.head().raw_path, "?",
              query, "$skiptoken=", url_encode(skip_token)});
}

}  // namespace lazuli::directory
