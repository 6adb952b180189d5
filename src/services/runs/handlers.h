// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "services/identity/api.h"
#include "services/runs/ledger.h"

namespace lazuli::runs {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// history_handlers.cc: {api}/history/v1.0{WS}/…
Answer get_run(Ledger& ledger, Context& context);
Answer patch_run(Ledger& ledger, Context& context);
Answer get_run_details(Ledger& ledger, Context& context);
Answer list_children(Ledger& ledger, Context& context);
Answer get_run_data(Ledger& ledger, Context& context);

// artifact_handlers.cc: what azureml-mlflow reads and writes.
Answer create_artifact_uris(Ledger& ledger, Context& context);
Answer list_artifacts(Ledger& ledger, Context& context);
Answer get_artifact_info(Ledger& ledger, Context& context);

// resolve_handlers.cc: asset ids → addresses, for downloads.
Answer resolve_data_uris(Ledger& ledger, Context& context);
Answer resolve_model_uris(Ledger& ledger, Context& context);

// access_handlers.cc: a day's token for the MLflow operations of one workspace.
Answer create_tracking_token(identity::Identity& identity, workspace::Workspaces& workspaces,
                             Context& context);

// The run named by the path, in the workspace named by the path.
Result<Run> run_of(Ledger& ledger, const Context& context);
// A readable (permissions "r") or other address of a blob, good for the request's client.
Result<std::string> signed_url(Ledger& ledger, const Context& context,
                               const storage::BlobPath& path, const std::string& permissions);

}  // namespace lazuli::runs
