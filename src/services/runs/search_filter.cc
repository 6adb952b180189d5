// SPDX-License-Identifier: Apache-2.0
#include "services/runs/search_filter.h"

#include "base/strings.h"
#include "services/runs/mlflow_wire.h"

namespace lazuli::runs {
namespace {

constexpr size_t kFilterBytesMax = 64 * 1024;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  Result<std::vector<Comparison>> parse() {
    std::vector<Comparison> all;
    skip_space();
    while (!rest_.empty()) {
      if (!all.empty() && !take_word("and")) return fail("'and'");
      all.push_back(TRY(comparison()));
      skip_space();
    }
    return all;
  }

 private:
  Error fail(std::string_view expected) const {
    return invalid_parameter(cat({"Invalid filter string '", text_.substr(0, 300), "': expected ",
                                  expected, " at '", rest_.substr(0, 40), "'."}));
  }

  void skip_space() { rest_ = trim(rest_); }

  bool take_word(std::string_view word) {
    skip_space();
    bool ends =
        rest_.size() == word.size() || (rest_.size() > word.size() && !is_name(rest_[word.size()]));
    if (!istarts_with(rest_, word) || !ends) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '/';
  }

  // A bare name, or one in backticks or double quotes.
  Result<std::string> name() {
    skip_space();
    if (!rest_.empty() && (rest_[0] == '`' || rest_[0] == '"')) return quoted(rest_[0]);
    size_t size = 0;
    while (size < rest_.size() && is_name(rest_[size])) ++size;
    if (size == 0) return fail("a name");
    std::string found(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return found;
  }

  Result<std::string> quoted(char quote) {
    size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return fail("a closing quote");
    std::string found(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return found;
  }

  Result<Comparison> comparison() {
    Comparison made;
    std::string key = TRY(name());
    // tags.`a key`: the name stops at the dot before a quoted key.
    if (key.ends_with('.')) key += TRY(name());
    size_t dot = key.find('.');
    std::string entity = to_lower(key.substr(0, dot));
    using Entity = Comparison::Entity;
    if (dot == std::string::npos) {
      made.key = key;
    } else {
      made.key = key.substr(dot + 1);
      if (entity == "metrics" || entity == "metric")
        made.entity = Entity::kMetric;
      else if (entity == "params" || entity == "param" || entity == "parameters")
        made.entity = Entity::kParam;
      else if (entity == "tags" || entity == "tag")
        made.entity = Entity::kTag;
      else if (entity != "attributes" && entity != "attribute" && entity != "run")
        return fail("metrics, params, tags or attributes");
    }
    made.op = TRY(comparator());
    if (made.op == "IN" || made.op == "NOT IN")
      made.values = TRY(value_list());
    else
      made.values.push_back(TRY(value()));
    return made;
  }

  Result<std::string> comparator() {
    skip_space();
    for (std::string_view op : {">=", "<=", "!=", "=", ">", "<"}) {
      if (!rest_.starts_with(op)) continue;
      rest_.remove_prefix(op.size());
      return std::string(op);
    }
    if (take_word("like")) return std::string("LIKE");
    if (take_word("ilike")) return std::string("ILIKE");
    if (take_word("in")) return std::string("IN");
    if (take_word("not") && take_word("in")) return std::string("NOT IN");
    return fail("a comparison");
  }

  Result<std::string> value() {
    skip_space();
    if (rest_.empty()) return fail("a value");
    if (rest_[0] == '\'' || rest_[0] == '"') return quoted(rest_[0]);
    size_t size = rest_.find_first_of(" ,)\t\n");
    std::string found(rest_.substr(0, size));
    if (!parse_double(found)) return fail("a quoted string or a number");
    rest_.remove_prefix(found.size());
    return found;
  }

  Result<std::vector<std::string>> value_list() {
    std::vector<std::string> values;
    skip_space();
    if (!rest_.starts_with('(')) return fail("'('");
    do {
      rest_.remove_prefix(1);
      values.push_back(TRY(value()));
      skip_space();
    } while (rest_.starts_with(','));
    if (!rest_.starts_with(')')) return fail("')'");
    rest_.remove_prefix(1);
    return values;
  }

  std::string_view text_, rest_;
};

template <typename T>
bool compare(const T& left, const T& right, std::string_view op) {
  if (op == "=") return left == right;
  if (op == "!=") return left != right;
  if (op == ">") return left > right;
  if (op == ">=") return left >= right;
  if (op == "<") return left < right;
  return op == "<=" && left <= right;
}

bool compare_text(const std::string& left, const Comparison& comparison) {
  const std::string& right = comparison.values.front();
  if (comparison.op == "LIKE") return like(left, right, false);
  if (comparison.op == "ILIKE") return like(left, right, true);
  if (comparison.op == "IN" || comparison.op == "NOT IN") {
    bool found = false;
    for (const std::string& value : comparison.values) found = found || value == left;
    return found == (comparison.op == "IN");
  }
  auto left_number = parse_double(left), right_number = parse_double(right);
  if (left_number && right_number && comparison.op[0] != '=' && comparison.op != "!=")
    return compare(*left_number, *right_number, comparison.op);
  return compare(left, right, comparison.op);
}

bool matches_one(const Comparison& comparison, const Searchable& item) {
  using Entity = Comparison::Entity;
  if (comparison.entity == Entity::kMetric) {
    auto value = item.metric(comparison.key);
    auto wanted = parse_double(comparison.values.front());
    return value && wanted && compare(*value, *wanted, comparison.op);
  }
  std::optional<std::string> text;
  if (comparison.entity == Entity::kParam)
    text = item.param(comparison.key);
  else if (comparison.entity == Entity::kTag)
    text = item.tag(comparison.key);
  else
    text = item.attribute(comparison.key);
  return text && compare_text(*text, comparison);
}

}  // namespace

Result<std::vector<Comparison>> parse_filter(std::string_view text) {
  if (text.size() > kFilterBytesMax) return invalid_parameter("The filter string is too long.");
  return Parser(text).parse();
}

bool matches(const std::vector<Comparison>& filter, const Searchable& item) {
  for (const Comparison& comparison : filter)
    if (!matches_one(comparison, item)) return false;
  return true;
}

bool like(std::string_view text, std::string_view pattern, bool ignore_case) {
  if (ignore_case) return like(to_lower(text), to_lower(pattern), false);
  size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

}  // namespace lazuli::runs
