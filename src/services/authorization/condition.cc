// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/condition.h"

#include "base/strings.h"
#include "services/authorization/condition_node.h"

namespace lazuli::authorization {
namespace {

using Node = Condition::Node;
using NodePtr = std::shared_ptr<const Node>;

constexpr size_t kBytesMax = 8 * 1024;
constexpr int kDepthMax = 64;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == ':' || c == '.' || c == '-' || c == '+';
}

// Recursive descent over the text itself: there are few kinds of tokens.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NodePtr> parse() {
    NodePtr root = TRY(expression(0));
    skip_space();
    if (at_ != text_.size()) return wrong("nothing may follow here");
    return root;
  }

 private:
  Error wrong(std::string_view what) const {
    return invalid_argument(
        cat({"The condition is not valid at character ", std::to_string(at_ + 1), ": ", what, "."}),
        "InvalidConditionFormat");
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  bool take(std::string_view symbol) {
    skip_space();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  std::string_view peek_word() {
    skip_space();
    size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  bool take_word(std::string_view word) {
    if (!iequals(peek_word(), word)) return false;
    at_ += word.size();
    return true;
  }

  bool take_and() { return take("&&") || take_word("AND"); }
  bool take_or() { return take("||") || take_word("OR"); }

  // Terms joined by AND alone or by OR alone.
  Result<NodePtr> expression(int depth) {
    if (depth > kDepthMax) return wrong("it is nested too deeply");
    auto joined = std::make_shared<Node>();
    joined->children.push_back(TRY(term(depth)));
    std::optional<Node::Kind> kind;
    for (;;) {
      std::optional<Node::Kind> found;
      if (take_and())
        found = Node::Kind::kAnd;
      else if (take_or())
        found = Node::Kind::kOr;
      if (!found) break;
      if (kind && *kind != *found) return wrong("AND and OR side by side need parentheses");
      kind = found;
      joined->children.push_back(TRY(term(depth)));
    }
    if (!kind) return joined->children.front();
    joined->kind = *kind;
    return NodePtr(std::move(joined));
  }

  Result<NodePtr> term(int depth) {
    if (depth > kDepthMax) return wrong("it is nested too deeply");
    if (take("!") || take_word("NOT")) {
      auto node = std::make_shared<Node>();
      node->kind = Node::Kind::kNot;
      node->children.push_back(TRY(term(depth + 1)));
      return NodePtr(std::move(node));
    }
    if (take("(")) {
      NodePtr inner = TRY(expression(depth + 1));
      if (!take(")")) return wrong("a closing parenthesis is missing");
      return inner;
    }
    if (take_word("ActionMatches")) return matches(Node::Kind::kActionMatches);
    if (take_word("SubOperationMatches")) return matches(Node::Kind::kSubOperationMatches);
    if (take_word("NotExists")) {
      auto node = std::make_shared<Node>();
      node->kind = Node::Kind::kNot;
      node->children.push_back(TRY(exists()));
      return NodePtr(std::move(node));
    }
    if (take_word("Exists")) return exists();
    return comparison();
  }

  Result<NodePtr> matches(Node::Kind kind) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    for (const std::string& value : TRY(values())) {
      if (kind == Node::Kind::kActionMatches)
        node->actions.emplace_back(value);
      else
        node->suboperations.push_back(to_lower(value));
    }
    return NodePtr(std::move(node));
  }

  Result<NodePtr> exists() {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kExists;
    node->left = TRY(operand());
    if (!node->left.is_attribute()) return wrong("Exists asks for an attribute");
    return NodePtr(std::move(node));
  }

  Result<NodePtr> comparison() {
    auto node = std::make_shared<Node>();
    node->left = TRY(operand());
    std::string_view name = peek_word();
    std::optional<Comparison> known = Comparison::named(name);
    if (!known) return wrong(cat({"'", name, "' is no operator"}));
    at_ += name.size();
    node->comparison = *known;
    node->right = TRY(operand());
    for (const Operand* side : {&node->left, &node->right})
      if (known->quantifier == Quantifier::kOne && !side->is_attribute() &&
          side->literals.size() != 1)
        return wrong("this operator compares single values");
    return NodePtr(std::move(node));
  }

  Result<Operand> operand() {
    if (take("@")) return attribute();
    skip_space();
    if (at_ < text_.size() && text_[at_] == '{') return Operand{{}, {}, TRY(values())};
    return Operand{{}, {}, {TRY(value())}};
  }

  // "Resource[Microsoft.Storage/…/tags:Project<$key_case_sensitive$>]"
  Result<Operand> attribute() {
    std::string_view source = peek_word();
    bool known = false;
    for (std::string_view each : {"Resource", "Request", "Environment", "Principal"})
      known = known || iequals(each, source);
    if (!known) return wrong("an attribute is of @Resource, @Request, @Environment or @Principal");
    at_ += source.size();
    size_t end = text_.find(']', at_);
    if (!take("[") || end == text_.npos) return wrong("an attribute's name stands in brackets");
    std::string_view name = trim(text_.substr(at_, end - at_));
    if (name.empty()) return wrong("an attribute has a name");
    at_ = end + 1;
    return Operand{to_lower(source), to_lower(name), {}};
  }

  Result<std::vector<std::string>> values() {
    if (!take("{")) return wrong("a list of values stands in braces");
    std::vector<std::string> all;
    do {
      all.push_back(TRY(value()));
    } while (take(","));
    if (!take("}")) return wrong("a closing brace is missing");
    return all;
  }

  // 'text', or a bare number, boolean or GUID. In text, \' is a quote; \* and \? are for Like.
  Result<std::string> value() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '\'') {
      std::string out;
      for (++at_; at_ < text_.size(); ++at_) {
        char c = text_[at_];
        if (c == '\'') return ++at_, out;
        if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '\'') c = text_[++at_];
        out += c;
      }
      return wrong("a closing quote is missing");
    }
    std::string_view word = peek_word();
    if (word.empty()) return wrong("a value is missing");
    if (Comparison::named(word)) return wrong("a value is missing before the operator");
    at_ += word.size();
    return std::string(word);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Condition> Condition::parse(std::string_view text) {
  if (text.size() > kBytesMax || !is_utf8(text))
    return invalid_argument("A condition is text of at most 8 KiB.", "InvalidConditionFormat");
  return Condition(TRY(Parser(text).parse()));
}

}  // namespace lazuli::authorization
