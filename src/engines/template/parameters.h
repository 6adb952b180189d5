// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engines/template/evaluate.h"

namespace lazuli::templates {

// Whether the values of a declaration ("securestring", "secureObject", also by "$ref") must not be
// shown nor kept in clear.
bool is_secure(const Json& declaration, const Json& definitions);

// The values of a template's parameters: `given` is {"name": {"value": …}}, what is missing comes
// from the defaults, and all are checked against their types and limits. kInvalidArgument
// "InvalidTemplate" names the parameter; the message never shows a value.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters
Result<NameMap<Json>> bind_parameters(const Json& source, const Json& given,
                                      const Environment& environment);

// Checks a value against a declaration: type, limits, properties, items.
Result<void> check_value(const Json& value, const Json& declaration, const Json& definitions,
                         const std::string& what);

}  // namespace lazuli::templates
