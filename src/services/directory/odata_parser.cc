// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/strings.h"
#include "services/directory/odata.h"

namespace lazuli::directory {
namespace {

constexpr size_t kTextMax = 8192;
constexpr int kDepthMax = 32;
constexpr size_t kNodesMax = 256;

Error malformed(std::string_view why, size_t at) {
  return invalid_argument(
      cat({"Invalid filter clause: ", why, " at position ", std::to_string(at)}),
      "Request_BadRequest");
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '/' || c == '.' || c == '-' || c == ':' || c == '+' || c == '$' || c == '@';
}

}  // namespace

// Recursive descent over the grammar of OData 4 §5.1.1, as far as Filter goes.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  Result<Filter> parse() {
    if (text_.size() > kTextMax) return malformed("it is too long", kTextMax);
    Filter filter = TRY(parse_or(0));
    skip();
    if (at_ != text_.size()) return malformed("something is left over", at_);
    return filter;
  }

 private:
  using Kind = Filter::Kind;

  Result<Filter> parse_or(int depth) { return parse_list(Kind::kOr, "or", depth); }

  Result<Filter> parse_list(Kind kind, std::string_view word, int depth) {
    if (depth > kDepthMax) return malformed("it is nested too deep", at_);
    std::vector<Filter> parts;
    do {
      if (++nodes_ > kNodesMax) return malformed("it has too many parts", at_);
      parts.push_back(kind == Kind::kOr ? TRY(parse_list(Kind::kAnd, "and", depth + 1))
                                        : TRY(parse_not(depth + 1)));
    } while (take_word(word));
    if (parts.size() == 1) return std::move(parts.front());
    Filter list = make(kind);
    list.children_ = std::move(parts);
    return list;
  }

  Result<Filter> parse_not(int depth) {
    if (depth > kDepthMax) return malformed("it is nested too deep", at_);
    if (!take_word("not")) return parse_primary(depth);
    Filter filter = make(Kind::kNot);
    filter.children_.push_back(TRY(parse_not(depth + 1)));
    return filter;
  }

  Result<Filter> parse_primary(int depth) {
    if (take('(')) {
      Filter inner = TRY(parse_or(depth + 1));
      if (!take(')')) return malformed("')' is missing", at_);
      return inner;
    }
    std::string word = read_word();
    if (word.empty()) return malformed("a property is missing", at_);
    if (take('(')) {
      if (word.ends_with("/any")) return parse_any(word.substr(0, word.size() - 4), depth);
      return parse_function(word);
    }
    return parse_comparison(std::move(word));
  }

  // path/any(), path/any(x:…)
  Result<Filter> parse_any(std::string path, int depth) {
    Filter any = make(Kind::kAny);
    any.path_ = std::move(path);
    if (take(')')) return any;
    skip();
    size_t colon = text_.find(':', at_);
    if (colon == std::string_view::npos) return malformed("':' is missing", at_);
    any.name_ = trim(text_.substr(at_, colon - at_));
    at_ = colon + 1;
    any.children_.push_back(TRY(parse_or(depth + 1)));
    if (!take(')')) return malformed("')' is missing", at_);
    return any;
  }

  Result<Filter> parse_function(std::string name) {
    name = to_lower(name);
    if (name != "startswith" && name != "endswith" && name != "contains")
      return invalid_argument(cat({"The function '", name, "' is not supported in a filter."}),
                              "Request_UnsupportedQuery");
    Filter filter = make(Kind::kFunction);
    filter.name_ = std::move(name);
    filter.path_ = read_word();
    if (filter.path_.empty() || !take(',')) return malformed("a property and ',' are missing", at_);
    filter.values_.push_back(TRY(parse_value()));
    if (!take(')')) return malformed("')' is missing", at_);
    return filter;
  }

  Result<Filter> parse_comparison(std::string path) {
    static constexpr std::array<std::string_view, 6> kOperators = {"eq", "ne", "gt",
                                                                   "ge", "lt", "le"};
    if (path.ends_with("$count"))
      return invalid_argument("Filtering by the size of a collection is not supported.",
                              "Request_UnsupportedQuery");
    if (take_word("in")) return parse_in(std::move(path));
    for (std::string_view op : kOperators) {
      if (!take_word(op)) continue;
      Filter filter = make(Kind::kCompare);
      filter.name_ = op;
      filter.path_ = std::move(path);
      filter.values_.push_back(TRY(parse_value()));
      return filter;
    }
    Filter truth = make(Kind::kCompare);  // a boolean property alone
    truth.name_ = "eq";
    truth.path_ = std::move(path);
    truth.values_.push_back(Json(true));
    return truth;
  }

  Result<Filter> parse_in(std::string path) {
    if (!take('(')) return malformed("'(' is missing", at_);
    Filter filter = make(Kind::kIn);
    filter.path_ = std::move(path);
    do {
      if (filter.values_.size() >= kNodesMax) return malformed("the list is too long", at_);
      filter.values_.push_back(TRY(parse_value()));
    } while (take(','));
    if (!take(')')) return malformed("')' is missing", at_);
    return filter;
  }

  // 'text' (a quote is doubled), a number, true, false, null, a time or an id.
  Result<Json> parse_value() {
    if (take('\'')) return parse_text();
    std::string word = read_word();
    if (word.empty()) return malformed("a value is missing", at_);
    if (word == "null") return Json();
    if (word == "true") return Json(true);
    if (word == "false") return Json(false);
    if (auto number = parse_int(word)) return Json(*number);
    return Json(word);
  }

  Result<Json> parse_text() {
    std::string text;
    while (at_ < text_.size()) {
      char c = text_[at_++];
      if (c != '\'') {
        text += c;
        continue;
      }
      if (at_ >= text_.size() || text_[at_] != '\'') return Json(std::move(text));
      text += '\'';
      ++at_;
    }
    return malformed("a text has no end", at_);
  }

  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    skip();
    std::string_view rest = text_.substr(at_);
    if (!istarts_with(rest, word)) return false;
    if (rest.size() > word.size() && is_word(rest[word.size()])) return false;
    at_ += word.size();
    return true;
  }
  std::string read_word() {
    skip();
    size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  static Filter make(Kind kind) {
    Filter filter;
    filter.kind_ = kind;
    return filter;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t nodes_ = 0;
};

Result<Filter> Filter::parse(std::string_view text) { return FilterParser(text).parse(); }

}  // namespace lazuli::directory
