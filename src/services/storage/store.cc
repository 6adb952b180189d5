// SPDX-License-Identifier: Apache-2.0
#include "services/storage/store.h"

#include <set>

#include "codec/json.h"
#include "db/find.h"

namespace lazuli::storage::store {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE storage_accounts (
  name {text} PRIMARY KEY,
  arm_id {text} NOT NULL,
  sealed_key {blob} NOT NULL
);
CREATE TABLE storage_containers (
  id {id},
  account {text} NOT NULL,
  name {text} NOT NULL,
  etag {int} NOT NULL,
  modified {int} NOT NULL,
  metadata {text} NOT NULL,
  UNIQUE (account, name)
);
CREATE TABLE storage_blobs (
  id {id},
  container_id {int} NOT NULL,
  name {blob} NOT NULL,
  size {int} NOT NULL,
  etag {int} NOT NULL,
  created {int} NOT NULL,
  modified {int} NOT NULL,
  content {text} NOT NULL,
  md5 {blob} NOT NULL,
  metadata {text} NOT NULL,
  UNIQUE (container_id, name)
);
CREATE TABLE storage_segments (
  blob_id {int} NOT NULL,
  start {int} NOT NULL,
  size {int} NOT NULL,
  object {text} NOT NULL,
  block_id {text} NOT NULL,
  PRIMARY KEY (blob_id, start)
);
CREATE INDEX storage_segments_object ON storage_segments (object);
CREATE TABLE storage_blocks (
  container_id {int} NOT NULL,
  name {blob} NOT NULL,
  block_id {text} NOT NULL,
  size {int} NOT NULL,
  object {text} NOT NULL,
  staged {int} NOT NULL,
  PRIMARY KEY (container_id, name, block_id)
);
CREATE INDEX storage_blocks_object ON storage_blocks (object);
CREATE INDEX storage_blocks_staged ON storage_blocks (staged);
CREATE TABLE storage_removals (
  object {text} PRIMARY KEY,
  since {int} NOT NULL
);
)";

constexpr const char* kBlobColumns =
    "id, container_id, name, size, etag, created, modified, content, md5, metadata";

db::Blob as_bytes(std::string_view text) { return db::Blob{std::string(text)}; }

std::string dump_metadata(const Metadata& metadata) {
  Json object = Json::object();
  for (const auto& [name, value] : metadata) object.set(name, value);
  return object.dump();
}

Result<Metadata> parse_metadata(const std::string& text) {
  Json object = TRY(Json::parse(text));
  Metadata metadata;
  for (const auto& member : object.members()) metadata[member.key] = member.value.str();
  return metadata;
}

std::string dump_content(const ContentHeaders& content) {
  Json object = Json::object();
  auto put = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) object.set(key, value);
  };
  put("type", content.type);
  put("encoding", content.encoding);
  put("language", content.language);
  put("disposition", content.disposition);
  put("cache_control", content.cache_control);
  return object.dump();
}

Result<ContentHeaders> parse_content(const std::string& text, std::string md5) {
  Json object = TRY(Json::parse(text));
  ContentHeaders content;
  content.type = object["type"].str();
  content.encoding = object["encoding"].str();
  content.language = object["language"].str();
  content.disposition = object["disposition"].str();
  content.cache_control = object["cache_control"].str();
  content.md5 = std::move(md5);
  return content;
}

AccountRow account_of(const db::Row& row) { return {row.text(0), row.text(1), row.blob(2)}; }

Result<Container> container_of(const db::Row& row) {
  Container container;
  container.id = row.integer(0);
  container.account = row.text(1);
  container.name = row.text(2);
  container.etag = static_cast<uint64_t>(row.integer(3));
  container.modified = from_micros(row.integer(4));
  container.metadata = TRY(parse_metadata(row.text(5)));
  return container;
}

Result<Blob> blob_of(const db::Row& row) {
  Blob blob;
  blob.id = row.integer(0);
  blob.container_id = row.integer(1);
  blob.name = row.blob(2);
  blob.size = static_cast<uint64_t>(row.integer(3));
  blob.etag = static_cast<uint64_t>(row.integer(4));
  blob.created = from_micros(row.integer(5));
  blob.modified = from_micros(row.integer(6));
  blob.content = TRY(parse_content(row.text(7), row.blob(8)));
  blob.metadata = TRY(parse_metadata(row.text(9)));
  return blob;
}

std::string select_blobs(std::string_view rest) {
  return std::string("SELECT ") + kBlobColumns + " FROM storage_blobs WHERE " + std::string(rest);
}

}  // namespace

std::vector<db::Migration> migrations() { return {{"storage", 1, kSchema}}; }

Result<std::optional<AccountRow>> find_account(db::Executor& db, std::string_view name) {
  return db::find_one(db, "SELECT name, arm_id, sealed_key FROM storage_accounts WHERE name = ?",
                      {name}, account_of);
}

Result<std::vector<AccountRow>> all_accounts(db::Executor& db) {
  return db::find_all(db, "SELECT name, arm_id, sealed_key FROM storage_accounts ORDER BY name", {},
                      account_of);
}

Result<void> delete_account(db::Tx& tx, std::string_view name) {
  TRY(tx.exec("DELETE FROM storage_accounts WHERE name = ?", {name}));
  return {};
}

Result<bool> insert_account(db::Tx& tx, const AccountRow& account) {
  int64_t changed =
      TRY(tx.exec("INSERT INTO storage_accounts (name, arm_id, sealed_key) VALUES (?, ?, ?) "
                  "ON CONFLICT (name) DO NOTHING",
                  {account.name, account.arm_id, as_bytes(account.sealed_key)}));
  return changed > 0;
}

Result<std::optional<Container>> find_container(db::Executor& db, std::string_view account,
                                                std::string_view name) {
  return db::find_one(db,
                      "SELECT id, account, name, etag, modified, metadata FROM storage_containers "
                      "WHERE account = ? AND name = ?",
                      {account, name}, container_of);
}

Result<void> insert_container(db::Tx& tx, Container& container) {
  auto row =
      TRY(tx.query_one("INSERT INTO storage_containers (account, name, etag, modified, metadata) "
                       "VALUES (?, ?, ?, ?, ?) RETURNING id",
                       {container.account, container.name, container.etag,
                        to_micros(container.modified), dump_metadata(container.metadata)}));
  CHECK(row.has_value());
  container.id = row->integer(0);
  return {};
}

Result<void> update_container(db::Tx& tx, const Container& container) {
  TRY(tx.exec("UPDATE storage_containers SET etag = ?, modified = ?, metadata = ? WHERE id = ?",
              {container.etag, to_micros(container.modified), dump_metadata(container.metadata),
               container.id}));
  return {};
}

Result<std::vector<Container>> list_containers(db::Executor& db, std::string_view account,
                                               std::string_view from, size_t count) {
  // Container names are [a-z0-9-] only; sorted here because databases collate '-' differently.
  auto rows =
      TRY(db.query("SELECT id, account, name, etag, modified, metadata FROM storage_containers "
                   "WHERE account = ?",
                   {account}));
  std::vector<Container> found;
  for (const db::Row& row : rows)
    if (row.text(2) >= from) found.push_back(TRY(container_of(row)));
  std::sort(found.begin(), found.end(),
            [](const Container& a, const Container& b) { return a.name < b.name; });
  if (found.size() > count) found.resize(count);
  return found;
}

Result<void> delete_container(db::Tx& tx, const Container& container, Timestamp now) {
  TRY(
      tx.exec("INSERT INTO storage_removals (object, since) "
              "SELECT DISTINCT s.object, CAST(? AS BIGINT) FROM storage_segments s "
              "JOIN storage_blobs b ON b.id = s.blob_id "
              "WHERE b.container_id = ? ON CONFLICT (object) DO NOTHING",
              {to_micros(now), container.id}));
  TRY(
      tx.exec("INSERT INTO storage_removals (object, since) "
              "SELECT object, CAST(? AS BIGINT) FROM storage_blocks WHERE container_id = ? "
              "ON CONFLICT (object) DO NOTHING",
              {to_micros(now), container.id}));
  TRY(
      tx.exec("DELETE FROM storage_segments WHERE blob_id IN "
              "(SELECT id FROM storage_blobs WHERE container_id = ?)",
              {container.id}));
  TRY(tx.exec("DELETE FROM storage_blobs WHERE container_id = ?", {container.id}));
  TRY(tx.exec("DELETE FROM storage_blocks WHERE container_id = ?", {container.id}));
  TRY(tx.exec("DELETE FROM storage_containers WHERE id = ?", {container.id}));
  return {};
}

Result<std::optional<Blob>> find_blob(db::Executor& db, int64_t container_id,
                                      std::string_view name) {
  static const std::string sql = select_blobs("container_id = ? AND name = ?");
  return db::find_one(db, sql, {container_id, as_bytes(name)}, blob_of);
}

Result<std::vector<Blob>> list_blobs(db::Executor& db, int64_t container_id, std::string_view from,
                                     std::string_view below, size_t count) {
  static const std::string bounded =
      select_blobs("container_id = ? AND name >= ? AND name < ? ORDER BY name LIMIT ?");
  static const std::string open_ended =
      select_blobs("container_id = ? AND name >= ? ORDER BY name LIMIT ?");
  if (below.empty())
    return db::find_all(db, open_ended, {container_id, as_bytes(from), count}, blob_of);
  return db::find_all(db, bounded, {container_id, as_bytes(from), as_bytes(below), count}, blob_of);
}

Result<void> insert_blob(db::Tx& tx, Blob& blob) {
  auto row = TRY(
      tx.query_one("INSERT INTO storage_blobs "
                   "(container_id, name, size, etag, created, modified, content, md5, metadata) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                   {blob.container_id, as_bytes(blob.name), blob.size, blob.etag,
                    to_micros(blob.created), to_micros(blob.modified), dump_content(blob.content),
                    as_bytes(blob.content.md5), dump_metadata(blob.metadata)}));
  CHECK(row.has_value());
  blob.id = row->integer(0);
  return {};
}

Result<void> update_blob(db::Tx& tx, const Blob& blob) {
  TRY(tx.exec(
      "UPDATE storage_blobs SET size = ?, etag = ?, created = ?, modified = ?, content = ?, "
      "md5 = ?, metadata = ? WHERE id = ?",
      {blob.size, blob.etag, to_micros(blob.created), to_micros(blob.modified),
       dump_content(blob.content), as_bytes(blob.content.md5), dump_metadata(blob.metadata),
       blob.id}));
  return {};
}

Result<void> delete_blob(db::Tx& tx, const Blob& blob, Timestamp now) {
  TRY(replace_segments(tx, blob.id, {}, now));
  TRY(clear_staged_blocks(tx, blob.container_id, blob.name, {}, now));
  TRY(tx.exec("DELETE FROM storage_blobs WHERE id = ?", {blob.id}));
  return {};
}

Result<std::vector<Segment>> segments(db::Executor& db, int64_t blob_id, uint64_t begin,
                                      uint64_t end) {
  return db::find_all(
      db,
      "SELECT object, start, size, block_id FROM storage_segments WHERE blob_id = ? "
      "AND start >= (SELECT COALESCE(MAX(start), 0) FROM storage_segments "
      "WHERE blob_id = ? AND start <= ?) AND start < ? ORDER BY start",
      {blob_id, blob_id, begin, end}, [](const db::Row& row) {
        return Segment{row.text(0), static_cast<uint64_t>(row.integer(1)),
                       static_cast<uint64_t>(row.integer(2)), row.text(3)};
      });
}

Result<size_t> replace_segments(db::Tx& tx, int64_t blob_id, const std::vector<Segment>& segments,
                                Timestamp now) {
  std::set<std::string_view> kept;
  for (const Segment& segment : segments) kept.insert(segment.object);
  auto before =
      TRY(tx.query("SELECT DISTINCT object FROM storage_segments WHERE blob_id = ?", {blob_id}));
  size_t removed = 0;
  for (const db::Row& row : before) {
    if (kept.contains(row.text(0))) continue;
    TRY(add_removal(tx, row.text(0), now));
    ++removed;
  }
  TRY(tx.exec("DELETE FROM storage_segments WHERE blob_id = ?", {blob_id}));
  for (const Segment& segment : segments) TRY(append_segment(tx, blob_id, segment));
  return removed;
}

Result<void> append_segment(db::Tx& tx, int64_t blob_id, const Segment& segment) {
  TRY(
      tx.exec("INSERT INTO storage_segments (blob_id, start, size, object, block_id) "
              "VALUES (?, ?, ?, ?, ?)",
              {blob_id, segment.start, segment.size, segment.object, segment.block_id}));
  return {};
}

Result<int64_t> count_segments(db::Executor& db, int64_t blob_id) {
  auto row =
      TRY(db.query_one("SELECT COUNT(*) FROM storage_segments WHERE blob_id = ?", {blob_id}));
  return row ? row->integer(0) : 0;
}

Result<bool> merge_segments(db::Tx& tx, int64_t blob_id, const std::vector<Segment>& merged,
                            const bytes::ObjectId& object, Timestamp now) {
  CHECK(!merged.empty());
  uint64_t size = 0;
  for (const Segment& segment : merged) {
    int64_t deleted =
        TRY(tx.exec("DELETE FROM storage_segments WHERE blob_id = ? AND start = ? AND object = ?",
                    {blob_id, segment.start, segment.object}));
    if (deleted == 0) return false;
    TRY(add_removal(tx, segment.object, now));
    size += segment.size;
  }
  TRY(append_segment(tx, blob_id, {object, merged.front().start, size, {}}));
  return true;
}

Result<void> stage_block(db::Tx& tx, int64_t container_id, std::string_view name,
                         const Block& block, Timestamp now) {
  auto before = TRY(tx.query_one(
      "DELETE FROM storage_blocks WHERE container_id = ? AND name = ? AND block_id = ? "
      "RETURNING object",
      {container_id, as_bytes(name), block.id}));
  if (before) TRY(add_removal(tx, before->text(0), now));
  TRY(
      tx.exec("INSERT INTO storage_blocks (container_id, name, block_id, size, object, staged) "
              "VALUES (?, ?, ?, ?, ?, ?)",
              {container_id, as_bytes(name), block.id, block.size, block.object, to_micros(now)}));
  return {};
}

Result<std::vector<Block>> staged_blocks(db::Executor& db, int64_t container_id,
                                         std::string_view name) {
  return db::find_all(
      db,
      "SELECT block_id, object, size FROM storage_blocks WHERE container_id = ? AND name = ? "
      "ORDER BY staged, block_id",
      {container_id, as_bytes(name)}, [](const db::Row& row) {
        return Block{row.text(0), row.text(1), static_cast<uint64_t>(row.integer(2))};
      });
}

Result<StagedSummary> summarize_staged(db::Executor& db, int64_t container_id,
                                       std::string_view name) {
  auto row =
      TRY(db.query_one("SELECT COUNT(*), COALESCE(MAX(LENGTH(block_id)), 0) FROM storage_blocks "
                       "WHERE container_id = ? AND name = ?",
                       {container_id, as_bytes(name)}));
  CHECK(row.has_value());
  return StagedSummary{row->integer(0), static_cast<size_t>(row->integer(1))};
}

Result<size_t> clear_staged_blocks(db::Tx& tx, int64_t container_id, std::string_view name,
                                   const std::vector<Segment>& kept, Timestamp now) {
  std::set<std::string_view> used;
  for (const Segment& segment : kept) used.insert(segment.object);
  auto rows = TRY(
      tx.query("DELETE FROM storage_blocks WHERE container_id = ? AND name = ? RETURNING object",
               {container_id, as_bytes(name)}));
  size_t removed = 0;
  for (const db::Row& row : rows) {
    if (used.contains(row.text(0))) continue;
    TRY(add_removal(tx, row.text(0), now));
    ++removed;
  }
  return removed;
}

Result<int64_t> expire_staged_blocks(db::Tx& tx, Timestamp limit, Timestamp now) {
  auto rows = TRY(
      tx.query("DELETE FROM storage_blocks WHERE staged < ? RETURNING object", {to_micros(limit)}));
  for (const db::Row& row : rows) TRY(add_removal(tx, row.text(0), now));
  return static_cast<int64_t>(rows.size());
}

Result<void> add_removal(db::Tx& tx, const bytes::ObjectId& object, Timestamp now) {
  TRY(tx.exec(
      "INSERT INTO storage_removals (object, since) VALUES (?, ?) ON CONFLICT (object) DO NOTHING",
      {object, to_micros(now)}));
  return {};
}

Result<std::vector<bytes::ObjectId>> pending_removals(db::Executor& db, size_t count) {
  auto rows = TRY(db.query("SELECT object FROM storage_removals ORDER BY since LIMIT ?", {count}));
  std::vector<bytes::ObjectId> objects;
  for (const db::Row& row : rows) objects.push_back(row.text(0));
  return objects;
}

Result<void> forget_removals(db::Tx& tx, const std::vector<bytes::ObjectId>& objects) {
  for (const bytes::ObjectId& object : objects)
    TRY(tx.exec("DELETE FROM storage_removals WHERE object = ?", {object}));
  return {};
}

Result<bool> knows_object(db::Executor& db, const bytes::ObjectId& object) {
  for (const char* sql : {"SELECT 1 FROM storage_segments WHERE object = ? LIMIT 1",
                          "SELECT 1 FROM storage_blocks WHERE object = ? LIMIT 1",
                          "SELECT 1 FROM storage_removals WHERE object = ? LIMIT 1"}) {
    if (TRY(db.query_one(sql, {object}))) return true;
  }
  return false;
}

}  // namespace lazuli::storage::store
