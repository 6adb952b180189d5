// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "db/db.h"
#include "services/storage/model.h"

// All SQL of the storage service. Functions join the caller's transaction or snapshot. Names of
// blobs are stored as bytes, so that both databases order them as the protocol does.
namespace lazuli::storage::store {

std::vector<db::Migration> migrations();

struct AccountRow {
  std::string name, arm_id;
  std::string sealed_key;
};
Result<std::optional<AccountRow>> find_account(db::Executor& db, std::string_view name);
Result<std::vector<AccountRow>> all_accounts(db::Executor& db);
Result<void> delete_account(db::Tx& tx, std::string_view name);  // its containers are gone already
// False when it was there already.
Result<bool> insert_account(db::Tx& tx, const AccountRow& account);

Result<std::optional<Container>> find_container(db::Executor& db, std::string_view account,
                                                std::string_view name);
Result<void> insert_container(db::Tx& tx, Container& container);  // sets its id
Result<void> update_container(db::Tx& tx, const Container& container);
Result<std::vector<Container>> list_containers(db::Executor& db, std::string_view account,
                                               std::string_view from, size_t count);
// With all blobs and staged blocks; their objects become pending removals.
Result<void> delete_container(db::Tx& tx, const Container& container, Timestamp now);

Result<std::optional<Blob>> find_blob(db::Executor& db, int64_t container_id,
                                      std::string_view name);
// Blobs with from <= name < below ("" = no end), in order of name.
Result<std::vector<Blob>> list_blobs(db::Executor& db, int64_t container_id, std::string_view from,
                                     std::string_view below, size_t count);
Result<void> insert_blob(db::Tx& tx, Blob& blob);  // sets its id
Result<void> update_blob(db::Tx& tx, const Blob& blob);
Result<void> delete_blob(db::Tx& tx, const Blob& blob, Timestamp now);

// The segments that hold content in [begin, end), in order.
Result<std::vector<Segment>> segments(db::Executor& db, int64_t blob_id, uint64_t begin,
                                      uint64_t end);
// Replaces the content of a blob; objects no longer used become pending removals. Returns how many.
Result<size_t> replace_segments(db::Tx& tx, int64_t blob_id, const std::vector<Segment>& segments,
                                Timestamp now);
Result<void> append_segment(db::Tx& tx, int64_t blob_id, const Segment& segment);
Result<int64_t> count_segments(db::Executor& db, int64_t blob_id);
// Puts one segment in the place of neighbours that are all still there; false when they are not.
Result<bool> merge_segments(db::Tx& tx, int64_t blob_id, const std::vector<Segment>& merged,
                            const bytes::ObjectId& object, Timestamp now);

// Staged blocks of a blob that may not exist yet. Staging one again replaces it.
Result<void> stage_block(db::Tx& tx, int64_t container_id, std::string_view name,
                         const Block& block, Timestamp now);
Result<std::vector<Block>> staged_blocks(db::Executor& db, int64_t container_id,
                                         std::string_view name);
struct StagedSummary {
  int64_t count = 0;
  size_t id_length = 0;  // all ids of one blob have the same
};
Result<StagedSummary> summarize_staged(db::Executor& db, int64_t container_id,
                                       std::string_view name);
// Forgets all of them; the objects in `kept` have become segments, the others pending removals.
// Returns how many of those.
Result<size_t> clear_staged_blocks(db::Tx& tx, int64_t container_id, std::string_view name,
                                   const std::vector<Segment>& kept, Timestamp now);
// Forgets blocks staged before `limit`; returns how many.
Result<int64_t> expire_staged_blocks(db::Tx& tx, Timestamp limit, Timestamp now);

// Objects nothing refers to any more, waiting to be removed from the byte store.
Result<void> add_removal(db::Tx& tx, const bytes::ObjectId& object, Timestamp now);
Result<std::vector<bytes::ObjectId>> pending_removals(db::Executor& db, size_t count);
Result<void> forget_removals(db::Tx& tx, const std::vector<bytes::ObjectId>& objects);
// Whether a segment, a staged block or a pending removal knows the object.
Result<bool> knows_object(db::Executor& db, const bytes::ObjectId& object);

}  // namespace lazuli::storage::store
