// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "db/db.h"
#include "services/workspace/model.h"

// All SQL of the workspace service; functions join the caller's transaction or snapshot. Names
// compare without case.
namespace lazuli::workspace::store {

std::vector<db::Migration> migrations();

Result<std::optional<WorkspaceRow>> find_workspace(db::Executor& db, std::string_view subscription,
                                                   std::string_view group, std::string_view name);
// Of one resource group, or of all where `group` is empty.
Result<std::vector<WorkspaceRow>> list_workspaces(db::Executor& db, std::string_view subscription,
                                                  std::string_view group);
Result<void> insert_workspace(db::Tx& tx, WorkspaceRow& row);  // sets its id
Result<void> update_workspace(db::Tx& tx, const WorkspaceRow& row);
// With its datastores and computes.
Result<void> delete_workspace(db::Tx& tx, int64_t id);

Result<std::optional<DatastoreRow>> find_datastore(db::Executor& db, int64_t workspace,
                                                   std::string_view name);
Result<std::vector<DatastoreRow>> list_datastores(db::Executor& db, int64_t workspace);
Result<bool> put_datastore(db::Tx& tx, const DatastoreRow& row);  // true: it is new
Result<bool> delete_datastore(db::Tx& tx, int64_t workspace, std::string_view name);

Result<std::optional<ComputeRow>> find_compute(db::Executor& db, int64_t workspace,
                                               std::string_view name);
Result<std::vector<ComputeRow>> list_computes(db::Executor& db, int64_t workspace);
Result<bool> put_compute(db::Tx& tx, const ComputeRow& row);  // true: it is new
Result<bool> delete_compute(db::Tx& tx, int64_t workspace, std::string_view name);

}  // namespace lazuli::workspace::store
