// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/handlers.h"

#include "base/strings.h"
#include "services/authorization/scope.h"

namespace lazuli::authorization {

Result<void> Parts::changed(db::Tx& tx, std::string_view kind, std::string_view scope,
                            std::string_view id) {
  if (events != nullptr)
    TRY(events->publish(tx, "authorization.changed",
                        Json::object({{"kind", kind}, {"scope", scope}, {"id", id}})));
  tx.after_commit([this] { rbac->invalidate(); });
  return {};
}

Result<std::string> scope_of(const Context& context) {
  return checked_scope(context.param("scope"));
}

Stamp stamp_for(const Context& context, const std::optional<Stamp>& before) {
  const std::string& who = context.principal().object_id();
  const Timestamp time = now();
  return {before ? before->created_by : who, who, before ? before->created : time, time};
}

Result<void> require(Parts& parts, const Context& context, const char* operation,
                     const std::string& scope) {
  TRY(parts.rbac->authorize(context.principal(), {operation}, scope));
  return {};
}

namespace {

// "name('value')" or "name eq 'value'": the value; a quote in it is written twice.
std::optional<std::string> quoted(std::string_view text, std::string_view before,
                                  std::string_view behind) {
  if (!istarts_with(text, before)) return {};
  text.remove_prefix(before.size());
  text = trim(text);
  if (text.size() < 2 + behind.size() || text.front() != '\'' || !text.ends_with(behind)) return {};
  text.remove_suffix(behind.size());
  if (text.back() != '\'') return {};
  return replace_all(text.substr(1, text.size() - 2), "''", "'");
}

// Cuts at " and " outside of quotes.
std::vector<std::string_view> terms_of(std::string_view text) {
  std::vector<std::string_view> terms;
  bool inside = false;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') inside = !inside;
    if (inside || !istarts_with(text.substr(i), " and ")) continue;
    terms.push_back(trim(text.substr(begin, i - begin)));
    begin = i + 5;
  }
  terms.push_back(trim(text.substr(begin)));
  return terms;
}

}  // namespace

Result<Filter> parse_filter(std::string_view text) {
  Filter filter;
  struct Term {
    std::string_view before, behind;
    std::string Filter::* value;
  };
  const Term known[] = {{"principalId eq", "", &Filter::principal_id},
                        {"assignedTo(", ")", &Filter::assigned_to},
                        {"roleName eq", "", &Filter::role_name},
                        {"type eq", "", &Filter::role_type},
                        {"denyAssignmentName eq", "", &Filter::deny_name}};
  for (std::string_view term : terms_of(trim(text))) {
    if (term.empty()) continue;
    bool found = iequals(term, "atScope()");
    filter.at_scope = filter.at_scope || found;
    found = found || iequals(term, "atScopeAndBelow()");
    for (const Term& each : known) {
      auto value = quoted(term, each.before, each.behind);
      if (!value) continue;
      filter.*each.value = std::move(*value);
      found = true;
    }
    if (!found)
      return invalid_argument(cat({"The filter '", term.substr(0, 200), "' is not supported."}),
                              "UnsupportedFilter");
  }
  return filter;
}

Result<Filter> filter_of(const Context& context) {
  return parse_filter(context.query_or("$filter", ""));
}

}  // namespace lazuli::authorization
