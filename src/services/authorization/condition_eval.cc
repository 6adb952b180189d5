// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"
#include "base/strings.h"
#include "base/time.h"
#include "services/authorization/condition_node.h"

namespace lazuli::authorization {
namespace {

Verdict verdict(bool value) { return value ? Verdict::kTrue : Verdict::kFalse; }

Verdict negate(Verdict value) {
  if (value == Verdict::kUnknown) return value;
  return verdict(value == Verdict::kFalse);
}

// Over many: false wins in "all", true in "any"; what is left is unknown if anything was.
class Fold {
 public:
  explicit Fold(bool all) : decisive_(all ? Verdict::kFalse : Verdict::kTrue) {}
  void add(Verdict value) {
    decided_ = decided_ || value == decisive_;
    unknown_ = unknown_ || value == Verdict::kUnknown;
  }
  Verdict end() const {
    if (decided_) return decisive_;
    return unknown_ ? Verdict::kUnknown : negate(decisive_);
  }

 private:
  const Verdict decisive_;
  bool decided_ = false, unknown_ = false;
};

// '*' any characters, '?' one; a backslash makes either literal.
bool like(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    size_t literal = p;
    bool escaped = p + 1 < pattern.size() && pattern[p] == '\\' &&
                   (pattern[p + 1] == '*' || pattern[p + 1] == '?');
    if (escaped) ++literal;
    if (!escaped && p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() &&
               ((!escaped && pattern[p] == '?') || pattern[literal] == text[t])) {
      p = literal + 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

template <typename T>
Verdict relate(Relation relation, const T& left, const T& right) {
  switch (relation) {
    case Relation::kEqual:
      return verdict(left == right);
    case Relation::kLess:
      return verdict(left < right);
    case Relation::kLessEqual:
      return verdict(left <= right);
    case Relation::kGreater:
      return verdict(left > right);
    case Relation::kGreaterEqual:
      return verdict(left >= right);
    default:
      return Verdict::kUnknown;
  }
}

Verdict compare_strings(Relation relation, std::string_view left, std::string_view right) {
  if (relation == Relation::kStartsWith) return verdict(left.starts_with(right));
  if (relation == Relation::kLike) return verdict(like(right, left));
  return relate(relation, left, right);
}

Verdict compare_typed(const Comparison& how, const std::string& left, const std::string& right) {
  switch (how.type) {
    case ValueType::kString:
      return how.ignores_case ? compare_strings(how.relation, to_lower(left), to_lower(right))
                              : compare_strings(how.relation, left, right);
    case ValueType::kNumber: {
      auto a = parse_int(left), b = parse_int(right);
      return a && b ? relate(how.relation, *a, *b) : Verdict::kUnknown;
    }
    case ValueType::kBool: {
      auto is_bool = [](std::string_view text) {
        return iequals(text, "true") || iequals(text, "false");
      };
      return is_bool(left) && is_bool(right) ? verdict(iequals(left, right)) : Verdict::kUnknown;
    }
    case ValueType::kTime: {
      auto a = parse_iso8601(left), b = parse_iso8601(right);
      return a.ok() && b.ok() ? relate(how.relation, *a, *b) : Verdict::kUnknown;
    }
    case ValueType::kGuid:
      return is_uuid(left) && is_uuid(right) ? verdict(iequals(left, right)) : Verdict::kUnknown;
  }
  return Verdict::kUnknown;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!istarts_with(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

const std::vector<std::string>* values_of(const Operand& operand, const ConditionQuestion& q) {
  if (!operand.is_attribute()) return &operand.literals;
  return q.attributes.find(operand.source, operand.name);
}

Verdict compare_sets(const Comparison& how, const std::vector<std::string>& left,
                     const std::vector<std::string>& right) {
  if (left.empty() || right.empty()) return Verdict::kUnknown;
  if (how.quantifier == Quantifier::kOne)
    return left.size() == 1 && right.size() == 1 ? how.compare(left[0], right[0])
                                                 : Verdict::kUnknown;
  const Quantifier quantifier = how.quantifier;
  Fold outer(quantifier == Quantifier::kAllOfAny || quantifier == Quantifier::kAllOfAll);
  for (const std::string& each : left) {
    Fold inner(quantifier == Quantifier::kAnyOfAll || quantifier == Quantifier::kAllOfAll);
    for (const std::string& other : right) inner.add(how.compare(each, other));
    outer.add(inner.end());
  }
  return outer.end();
}

Verdict evaluate_node(const Condition::Node& node, const ConditionQuestion& q) {
  using Kind = Condition::Node::Kind;
  switch (node.kind) {
    case Kind::kAnd:
    case Kind::kOr: {
      Fold fold(node.kind == Kind::kAnd);
      for (const auto& child : node.children) fold.add(evaluate_node(*child, q));
      return fold.end();
    }
    case Kind::kNot:
      return negate(evaluate_node(*node.children.front(), q));
    case Kind::kActionMatches:
      for (const core::OperationPattern& pattern : node.actions)
        if (pattern.matches(q.operation)) return Verdict::kTrue;
      return Verdict::kFalse;
    case Kind::kSubOperationMatches:
      for (const std::string& wanted : node.suboperations)
        for (const std::string& each : q.attributes.suboperations())
          if (iequals(each, wanted)) return Verdict::kTrue;
      return Verdict::kFalse;
    case Kind::kExists:
      return verdict(q.attributes.find(node.left.source, node.left.name) != nullptr);
    case Kind::kCompare: {
      const auto* left = values_of(node.left, q);
      const auto* right = values_of(node.right, q);
      if (left == nullptr || right == nullptr) return Verdict::kUnknown;
      return compare_sets(node.comparison, *left, *right);
    }
  }
  return Verdict::kUnknown;
}

}  // namespace

std::optional<Comparison> Comparison::named(std::string_view name) {
  Comparison found;
  static constexpr std::pair<std::string_view, Quantifier> kQuantifiers[] = {
      {"ForAnyOfAnyValues:", Quantifier::kAnyOfAny},
      {"ForAllOfAnyValues:", Quantifier::kAllOfAny},
      {"ForAnyOfAllValues:", Quantifier::kAnyOfAll},
      {"ForAllOfAllValues:", Quantifier::kAllOfAll}};
  for (const auto& [prefix, quantifier] : kQuantifiers)
    if (take_prefix(name, prefix)) found.quantifier = quantifier;
  static constexpr std::pair<std::string_view, ValueType> kTypes[] = {
      {"String", ValueType::kString},
      {"Numeric", ValueType::kNumber},
      {"Bool", ValueType::kBool},
      {"DateTime", ValueType::kTime},
      {"Guid", ValueType::kGuid}};
  bool typed = false;
  for (const auto& [prefix, type] : kTypes) {
    if (typed || !take_prefix(name, prefix)) continue;
    typed = true;
    found.type = type;
  }
  if (!typed) return {};
  found.negated = take_prefix(name, "Not");
  const bool text = found.type == ValueType::kString;
  const bool ordered = found.type == ValueType::kNumber || found.type == ValueType::kTime;
  static constexpr std::pair<std::string_view, Relation> kRelations[] = {
      {"Equals", Relation::kEqual},       {"StartsWith", Relation::kStartsWith},
      {"Like", Relation::kLike},          {"LessThanEquals", Relation::kLessEqual},
      {"LessThan", Relation::kLess},      {"GreaterThanEquals", Relation::kGreaterEqual},
      {"GreaterThan", Relation::kGreater}};
  if (text && name.size() > 10 && iequals(name.substr(name.size() - 10), "IgnoreCase")) {
    found.ignores_case = true;
    name.remove_suffix(10);
  }
  for (const auto& [word, relation] : kRelations) {
    if (!iequals(name, word)) continue;
    const bool of_text = relation == Relation::kStartsWith || relation == Relation::kLike;
    if (of_text ? !text : relation != Relation::kEqual && (!ordered || found.negated)) return {};
    found.relation = relation;
    return found;
  }
  return {};
}

Verdict Comparison::compare(const std::string& left, const std::string& right) const {
  Verdict plain = compare_typed(*this, left, right);
  return negated ? negate(plain) : plain;
}

Verdict Condition::evaluate(const ConditionQuestion& question) const {
  return evaluate_node(*root_, question);
}

}  // namespace lazuli::authorization
