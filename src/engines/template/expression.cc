// SPDX-License-Identifier: Apache-2.0
#include "engines/template/expression.h"

#include "base/strings.h"

namespace lazuli::templates {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> parse_all() {
    Expression expression = TRY(parse(0));
    skip_spaces();
    if (at_ < text_.size()) return fault("expected the end of the expression");
    return expression;
  }

 private:
  Error fault(std::string_view what) const {
    return invalid_argument(
        cat({"The template language expression '[", text_.substr(0, 200), "]' is not valid: ", what,
             " at position ", std::to_string(at_ + 1), "."}),
        "InvalidTemplate");
  }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // A value, then what is applied to it: .member and [index], any number of times.
  Result<Expression> parse(int depth) {
    if (depth > kExpressionDepthMax) return fault("it is nested too deeply");
    Expression expression = TRY(parse_primary(depth));
    for (int applied = 0;; ++applied) {
      if (applied > kExpressionDepthMax) return fault("it is nested too deeply");
      if (take('.')) {
        Expression member{Expression::Kind::kMember, {}, TRY(parse_name()), {}};
        member.children.push_back(std::move(expression));
        expression = std::move(member);
      } else if (take('[')) {
        Expression index{Expression::Kind::kIndex, {}, {}, {}};
        Expression key = TRY(parse(depth + 1));
        if (!take(']')) return fault("expected ']'");
        index.children.push_back(std::move(expression));
        index.children.push_back(std::move(key));
        expression = std::move(index);
      } else {
        return expression;
      }
    }
  }

  Result<Expression> parse_primary(int depth) {
    skip_spaces();
    if (at_ >= text_.size()) return fault("expected a value");
    const char c = text_[at_];
    if (c == '\'') return parse_string();
    if (is_digit(c) || c == '-' || c == '+') return parse_number();
    if (!is_letter(c)) return fault("expected a function, a string or a number");
    Expression call{Expression::Kind::kCall, {}, TRY(parse_name()), {}};
    // A function of the template's own: "contoso.uniqueName(…)".
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      call.name += cat({".", TRY(parse_name())});
    }
    if (!take('(')) return fault(cat({"expected '(' after '", call.name, "'"}));
    if (take(')')) return call;
    do {
      call.children.push_back(TRY(parse(depth + 1)));
    } while (take(','));
    if (!take(')')) return fault("expected ',' or ')'");
    return call;
  }

  Result<std::string> parse_name() {
    skip_spaces();
    size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    if (begin == at_ || is_digit(text_[begin])) return fault("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<Expression> parse_string() {
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '\'') {
        value += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
        value += '\'';
        ++at_;
      } else {
        ++at_;
        return Expression{Expression::Kind::kLiteral, Json(std::move(value)), {}, {}};
      }
    }
    return fault("the string has no end");
  }

  Result<Expression> parse_number() {
    size_t begin = at_;
    if (text_[at_] == '-' || text_[at_] == '+') ++at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    std::string_view digits = text_.substr(begin, at_ - begin);
    if (digits.front() == '+') digits.remove_prefix(1);
    auto number = parse_int(digits);
    if (!number || (at_ < text_.size() && is_letter(text_[at_]))) {
      at_ = begin;
      return fault("expected a whole number of 64 bits");
    }
    return Expression{Expression::Kind::kLiteral, Json(*number), {}, {}};
  }

  std::string_view text_;
  size_t at_ = 0;
};

void print(const Expression& expression, std::string& out) {
  switch (expression.kind) {
    case Expression::Kind::kLiteral:
      if (expression.literal.is_string())
        out += cat({"'", replace_all(expression.literal.str(), "'", "''"), "'"});
      else
        out += expression.literal.dump();
      break;
    case Expression::Kind::kCall:
      out += expression.name + "(";
      for (size_t i = 0; i < expression.children.size(); ++i) {
        if (i > 0) out += ", ";
        print(expression.children[i], out);
      }
      out += ")";
      break;
    case Expression::Kind::kMember:
      print(expression.children[0], out);
      out += "." + expression.name;
      break;
    case Expression::Kind::kIndex:
      print(expression.children[0], out);
      out += "[";
      print(expression.children[1], out);
      out += "]";
      break;
  }
}

}  // namespace

bool is_expression(std::string_view text) {
  return text.size() >= 2 && text.front() == '[' && text.back() == ']' && text[1] != '[';
}

std::string unescape_literal(std::string_view text) {
  if (text.starts_with("[[") && text.ends_with("]")) text.remove_prefix(1);
  return std::string(text);
}

std::string escape_literal(std::string_view text) {
  const bool special = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  return cat({special ? "[" : "", text});
}

Result<Expression> parse_expression(std::string_view text) {
  if (!is_expression(text))
    return invalid_argument("A template language expression stands in brackets.",
                            "InvalidTemplate");
  if (text.size() > kExpressionBytesMax)
    return invalid_argument(cat({"A template language expression is longer than the ",
                                 std::to_string(kExpressionBytesMax), " characters allowed."}),
                            "InvalidTemplate");
  return Parser(text.substr(1, text.size() - 2)).parse_all();
}

std::string print_expression(const Expression& expression) {
  std::string out;
  print(expression, out);
  return out;
}

}  // namespace lazuli::templates
