// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "codec/json.h"
#include "core/context.h"
#include "services/workspace/registry.h"

// ARM bodies <=> the model. URLs carry the host and port the request came to. Field by field from
// azure-ai-ml's readers (entities/_workspace, _datastore, _compute) and the ARM reference.
namespace lazuli::workspace {

std::string api_url(const core::RequestContext& context, const WorkspaceRow& workspace);
Json workspace_json(const core::RequestContext& context, const Registry& registry,
                    const WorkspaceRow& row);

Json datastore_json(const core::RequestContext& context, const WorkspaceRow& workspace,
                    const DatastoreRow& row);
// What a client may set; kUnimplemented names other types of datastore and credentials.
struct DatastoreInput {
  DatastoreRow row;
  SecretString secret;  // an account key or a SAS, by row.credentials
};
Result<DatastoreInput> parse_datastore(const Json& body);

Json compute_json(const WorkspaceRow& workspace, const ComputeRow& row);
Result<ComputeRow> parse_compute(const Json& body);

// Names of datastores and computes, as Azure ML restricts them.
Result<void> check_datastore_name(std::string_view name);
Result<void> check_compute_name(std::string_view name);
// An object of strings; null and absent are empty.
Result<Json> parse_tags(const Json& tags);

}  // namespace lazuli::workspace
