// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "services/runs/mlflow_handlers.h"

namespace lazuli::runs {

using Function = Answer (*)(Ledger&, Context&);
using Bind = std::function<core::Handler(Function)>;

// The routes of run history and of the asset addresses beside it.
void describe_history(core::Manifest& manifest, const Bind& bind);
// The routes of MLflow.
// The token for MLflow clients.
void describe_access(core::Manifest& manifest, core::Handler handler);
void describe_mlflow(core::Manifest& manifest, const Bind& bind, core::SinkOf artifact_sink);

}  // namespace lazuli::runs
