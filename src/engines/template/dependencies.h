// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines/template/unroll.h"

namespace lazuli::templates {

// Fills `after`: what dependsOn names, what reference() and list…() refer to, parents before
// children, and the batches of serial loops. An error names an unknown dependency or a cycle.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-dependency
Result<void> resolve_dependencies(Unrolled& unrolled, const Json& source,
                                  const Environment& environment);

}  // namespace lazuli::templates
