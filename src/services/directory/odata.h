// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "core/context.h"

namespace lazuli::directory {

// One $filter of OData as Graph takes it: eq, ne, gt, ge, lt, le, in, and, or, not, startswith,
// endswith, contains, and any() over collections. Text compares without case, as in Graph.
// Immutable.
// Source: https://learn.microsoft.com/graph/filter-query-parameter
class Filter {
 public:
  // kInvalidArgument "Request_BadRequest" for what is no filter, "Request_UnsupportedQuery" for
  // what is one that is not understood.
  static Result<Filter> parse(std::string_view text);
  bool matches(const Json& object) const;
  // The text that `path` must equal for anything to match, where that is plain from the filter.
  std::optional<std::string> required(std::string_view path) const;
  // The same of "path/any(x:x eq 'text')".
  std::optional<std::string> required_element(std::string_view path) const;
  // Whether it asks for the property of this name.
  bool concerns(std::string_view property) const;

 private:
  enum class Kind { kAnd, kOr, kNot, kCompare, kFunction, kIn, kAny };
  friend class FilterParser;

  Kind kind_ = Kind::kAnd;
  std::string name_;  // the operator or function; of kAny the variable
  std::string path_;
  std::vector<Json> values_;
  std::vector<Filter> children_;
};

// The query options of a list.
struct ListOptions {
  std::optional<Filter> filter;
  std::vector<std::string> select;
  std::string order_by;  // a path; empty: no order asked for
  bool descending = false;
  bool count = false;
  size_t top = 100;
  std::string skip_token;  // ours: where the last page ended

  // Whether the property is selected or filtered by, by name.
  bool concerns(std::string_view property) const;
};

// Up to 999 per page. $search and $expand are kUnimplemented by name.
Result<ListOptions> list_options(const core::RequestContext& context);

// Only the selected members (and what starts with '@'); all where none are.
Json selected(Json object, const std::vector<std::string>& select);

// The same request with another $skiptoken.
std::string next_page(const core::RequestContext& context, const std::string& skip_token);

// The member under "a/b"; null where there is none.
const Json& at_path(const Json& object, std::string_view path);
// Whether one comes before the other, for $orderby.
bool before(const Json& a, const Json& b);

}  // namespace lazuli::directory
