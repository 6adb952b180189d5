// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "codec/json.h"
#include "services/runs/model.h"

namespace lazuli::runs {

// The Run of run history, with the fields clients read.
// Source: azure-ai-ml azure/ai/ml/_restclient/runhistory/models/_models.py.
Json run_json(const Run& run);

// {"error":{"error":…}}'s inner part, or null.
Json run_error_json(const Run& run);

}  // namespace lazuli::runs
