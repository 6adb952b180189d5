// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::templates {

// An expression of the template language, "[concat('a', parameters('b').c[0])]", as a tree.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
struct Expression {
  enum class Kind {
    kLiteral,  // `literal`: a string or an integer
    kCall,     // `name`, children: the arguments
    kMember,   // children[0].name
    kIndex,    // children[0][children[1]]
  };
  Kind kind = Kind::kLiteral;
  Json literal;
  std::string name;
  std::vector<Expression> children;
};

inline constexpr size_t kExpressionBytesMax = 24'576;  // Azure's own limit
inline constexpr int kExpressionDepthMax = 96;

// Whether a string of a template is an expression: in brackets, and not an escaped "[[…]".
bool is_expression(std::string_view text);
// What a string that is no expression says: "[[a]" stands for "[a]".
std::string unescape_literal(std::string_view text);
// The other way round: a string that, read from a template, says `text`.
std::string escape_literal(std::string_view text);

// Parses "[…]". Pure; never reads beyond the limits. kInvalidArgument "InvalidTemplate" says what
// is wrong at which character.
Result<Expression> parse_expression(std::string_view text);
// The expression's text without the brackets.
std::string print_expression(const Expression& expression);

}  // namespace lazuli::templates
