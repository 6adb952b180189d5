// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engines/template/program.h"

namespace lazuli::templates {

// A planned resource's piece of the template, which outlives it, and the loops it stands in.
struct UnrolledResource {
  const Json* source = nullptr;
  std::vector<Loop> loops;
  size_t declaration = 0;  // which resource of the template it comes from
  size_t iteration = 0;
  size_t batch = 0;  // of a serial loop: how many at once; 0: all
  std::string parent_id;
};

struct Unrolled {
  std::vector<PlannedResource> planned;
  std::vector<UnrolledResource> sources;  // side by side with `planned`
  std::vector<PlannedResource> skipped;   // whose condition is false: may be named in dependsOn
};

// Loops, conditions, children and names: from the template's resources to those to deploy. The
// result points into `source`: a loop makes no copies of what it repeats.
Result<Unrolled> unroll(const Json& source, const Environment& environment);

}  // namespace lazuli::templates
