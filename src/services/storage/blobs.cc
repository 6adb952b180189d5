// SPDX-License-Identifier: Apache-2.0
#include "services/storage/blobs.h"

#include <unordered_map>

#include "services/storage/errors.h"
#include "services/storage/names.h"
#include "services/storage/store.h"

namespace lazuli::storage {
namespace {

constexpr size_t kCommittedBlocksMax = 50000;
constexpr int64_t kUncommittedBlocksMax = 100000;
constexpr int64_t kMergeEvery = 32;                       // segments
constexpr uint64_t kEtagEpochTicks = 621355968000000000;  // 1970 in 100 ns ticks since the year 1

Result<Container> require_container(db::Executor& db, std::string_view account,
                                    std::string_view name) {
  auto container = TRY(store::find_container(db, account, name));
  if (!container) return container_not_found();
  return std::move(*container);
}

Result<Blob> require_blob(db::Executor& db, const BlobPath& path) {
  auto container = TRY(require_container(db, path.account, path.container));
  auto blob = TRY(store::find_blob(db, container.id, path.name));
  if (!blob) return blob_not_found();
  return std::move(*blob);
}

// The committed blocks of a blob by id.
Result<std::vector<Block>> committed_blocks(db::Executor& db, const Blob& blob) {
  std::vector<Block> blocks;
  for (Segment& segment : TRY(store::segments(db, blob.id, 0, blob.size)))
    if (!segment.block_id.empty())
      blocks.push_back({std::move(segment.block_id), std::move(segment.object), segment.size});
  return blocks;
}

using BlockIndex = std::unordered_map<std::string, const Block*>;
BlockIndex index_of(const std::vector<Block>& blocks) {
  BlockIndex index;
  for (const Block& block : blocks) index[block.id] = &block;
  return index;
}

// Put Block List, step by step: each entry is searched where it says; one that is not found refuses
// the whole list.
Result<std::vector<Segment>> resolve_blocks(const std::vector<BlockRef>& list,
                                            const std::vector<Block>& committed,
                                            const std::vector<Block>& uncommitted) {
  if (list.size() > kCommittedBlocksMax) return block_list_too_long();
  const BlockIndex in_committed = index_of(committed), in_uncommitted = index_of(uncommitted);
  std::vector<Segment> segments;
  uint64_t start = 0;
  for (const BlockRef& ref : list) {
    const Block* block = nullptr;
    auto look = [&](const BlockIndex& index) {
      auto found = index.find(ref.id);
      if (block == nullptr && found != index.end()) block = found->second;
    };
    if (ref.from != BlockRef::From::kCommitted) look(in_uncommitted);
    if (ref.from != BlockRef::From::kUncommitted) look(in_committed);
    if (block == nullptr) return invalid_block_list();
    segments.push_back({block->object, start, block->size, block->id});
    start += block->size;
  }
  return segments;
}

// The part of a name up to and with the first delimiter behind the prefix; "" when there is none.
std::string common_prefix(const std::string& name, const ListQuery& query) {
  if (query.delimiter.empty()) return {};
  size_t at = name.find(query.delimiter, query.prefix.size());
  return at == std::string::npos ? std::string() : name.substr(0, at + query.delimiter.size());
}

}  // namespace

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    if (static_cast<unsigned char>(end.back()) < 0xFF) {
      end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

Blobs::Blobs(db::Database::Handle db, bytes::Store& bytes)
    : db_(std::move(db)), bytes_(bytes), reclaimer_(db_, bytes_, tickets_) {}

template <typename F>
auto Blobs::publish(StagedObject& staged, F closure) -> std::invoke_result_t<F&, db::Tx&> {
  bool refused = false;
  auto result = db_.write([&](db::Tx& tx) {
    auto outcome = closure(tx);
    refused = !outcome.ok();
    return outcome;
  });
  if (result.ok() || !refused) staged.keep();
  return result;
}

// Never repeats and never goes back, also when the clock does.
uint64_t Blobs::next_etag(uint64_t before) {
  uint64_t ticks = static_cast<uint64_t>(to_micros(now())) * 10 + kEtagEpochTicks;
  uint64_t last = last_etag_.load();
  uint64_t etag = 0;
  do {
    etag = std::max({ticks, last + 1, before + 1});
  } while (!last_etag_.compare_exchange_weak(last, etag));
  return etag;
}

Result<Container> Blobs::create_container(const std::string& account, const std::string& name,
                                          const Metadata& metadata) {
  TRY(check_container_name(name));
  TRY(check_metadata(metadata));
  return db_.write([&](db::Tx& tx) -> Result<Container> {
    if (TRY(store::find_container(tx, account, name))) return container_already_exists();
    Container container{0, account, name, next_etag(0), now(), metadata};
    TRY(store::insert_container(tx, container));
    return container;
  });
}

Result<Container> Blobs::get_container(const std::string& account, const std::string& name) {
  return db_.read([&](db::Reader& db) { return require_container(db, account, name); });
}

Result<Container> Blobs::set_container_metadata(const std::string& account, const std::string& name,
                                                const Metadata& metadata,
                                                const Conditions& conditions) {
  TRY(check_metadata(metadata));
  return db_.write([&](db::Tx& tx) -> Result<Container> {
    auto container = TRY(require_container(tx, account, name));
    TRY(check_change(conditions, container.etag, container.modified));
    container.metadata = metadata;
    container.etag = next_etag(container.etag);
    container.modified = now();
    TRY(store::update_container(tx, container));
    return container;
  });
}

Result<void> Blobs::delete_container(const std::string& account, const std::string& name,
                                     const Conditions& conditions,
                                     const std::function<Result<void>(db::Tx&)>& also) {
  return db_.write([&](db::Tx& tx) -> Result<void> {
    auto container = TRY(require_container(tx, account, name));
    TRY(check_change(conditions, container.etag, container.modified));
    TRY(store::delete_container(tx, container, now()));
    if (also) TRY(also(tx));
    tx.after_commit([this] { reclaimer_.wake(); });
    return {};
  });
}

Result<void> Blobs::delete_containers_of(db::Tx& caller, const std::string& account) {
  db::Tx& tx = db_.join(caller);
  const auto containers =
      TRY(store::list_containers(tx, account, {}, std::numeric_limits<size_t>::max()));
  for (const Container& container : containers) TRY(store::delete_container(tx, container, now()));
  tx.after_commit([this] { reclaimer_.wake(); });
  return {};
}

Result<std::vector<Container>> Blobs::list_containers(const std::string& account,
                                                      const std::string& from, size_t count) {
  return db_.read([&](db::Reader& db) { return store::list_containers(db, account, from, count); });
}

Result<Blob> Blobs::get(const BlobPath& path) {
  return db_.read([&](db::Reader& db) { return require_blob(db, path); });
}

Result<OpenBlob> Blobs::open(const BlobPath& path, uint64_t begin, uint64_t end) {
  auto ticket = tickets_.take();
  std::vector<Segment> segments;
  Blob blob = TRY(db_.read([&](db::Reader& db) -> Result<Blob> {
    Blob found = TRY(require_blob(db, path));
    segments = TRY(store::segments(db, found.id, begin, end));
    return found;
  }));
  auto reader =
      std::make_unique<BlobReader>(bytes_, std::move(segments), blob.size, std::move(ticket));
  return OpenBlob{std::move(blob), std::move(reader)};
}

// Walks the names in order. A common prefix is emitted once and its names are jumped over.
Result<ListPage> Blobs::list(const std::string& account, const std::string& container_name,
                             const ListQuery& query) {
  return db_.read([&](db::Reader& db) -> Result<ListPage> {
    auto container = TRY(require_container(db, account, container_name));
    const std::string below = prefix_end(query.prefix);
    std::string from = std::max(query.from, query.prefix);
    ListPage page;
    for (;;) {
      const size_t wanted = query.count - page.items.size() + 1;
      auto blobs = TRY(store::list_blobs(db, container.id, from, below, wanted));
      const bool last = blobs.size() < wanted;
      for (Blob& blob : blobs) {
        if (blob.name < from) continue;
        if (page.items.size() == query.count) {
          page.next = blob.name;
          return page;
        }
        std::string prefix = common_prefix(blob.name, query);
        if (prefix.empty()) {
          from = blob.name + '\0';
          page.items.push_back({std::move(blob), {}});
        } else {
          from = prefix_end(prefix);
          page.items.push_back({std::nullopt, std::move(prefix)});
        }
      }
      if (last) return page;
    }
  });
}

Result<BlockLists> Blobs::block_lists(const BlobPath& path) {
  return db_.read([&](db::Reader& db) -> Result<BlockLists> {
    auto container = TRY(require_container(db, path.account, path.container));
    BlockLists lists;
    lists.blob = TRY(store::find_blob(db, container.id, path.name));
    lists.uncommitted = TRY(store::staged_blocks(db, container.id, path.name));
    if (!lists.blob && lists.uncommitted.empty()) return blob_not_found();
    if (lists.blob) lists.committed = TRY(committed_blocks(db, *lists.blob));
    return lists;
  });
}

Result<Blob> Blobs::write_row(db::Tx& tx, const Container& container, const std::string& name,
                              uint64_t size, const BlobAttributes& attributes,
                              const WriteRules& rules) {
  auto existing = TRY(store::find_blob(tx, container.id, name));
  TRY(check_create(rules.conditions, existing ? &*existing : nullptr));
  if (existing && !rules.may_replace) return permission_mismatch();
  Blob blob = existing.value_or(Blob{});
  blob.container_id = container.id;
  blob.name = name;
  blob.size = size;
  blob.content = attributes.content;
  blob.metadata = attributes.metadata;
  blob.etag = next_etag(blob.etag);
  blob.modified = now();
  if (existing) {
    TRY(store::update_blob(tx, blob));
  } else {
    blob.created = blob.modified;
    TRY(store::insert_blob(tx, blob));
  }
  return blob;
}

Result<Blob> Blobs::put(const BlobPath& path, StagedObject content, BlobAttributes attributes,
                        const WriteRules& rules) {
  TRY(check_path(path));
  TRY(check_metadata(attributes.metadata));
  const bytes::ObjectInfo& info = content.info();
  attributes.content.md5 = info.md5;
  std::vector<Segment> segments;
  if (info.size > 0) segments.push_back({info.id, 0, info.size, {}});
  auto blob = TRY(publish(content, [&](db::Tx& tx) -> Result<Blob> {
    auto container = TRY(require_container(tx, path.account, path.container));
    Blob written = TRY(write_row(tx, container, path.name, info.size, attributes, rules));
    size_t removed = TRY(store::replace_segments(tx, written.id, segments, now()));
    removed += TRY(store::clear_staged_blocks(tx, container.id, path.name, {}, now()));
    if (segments.empty() && !info.id.empty()) {
      TRY(store::add_removal(tx, info.id, now()));
      ++removed;
    }
    if (removed > 0) tx.after_commit([this] { reclaimer_.wake(); });
    return written;
  }));
  return blob;
}

Result<Blob> Blobs::append(const BlobPath& path, StagedObject content) {
  TRY(check_path(path));
  const bytes::ObjectInfo& info = content.info();
  if (info.size == 0) return invalid_argument("there is nothing to append");
  return publish(content, [&](db::Tx& tx) -> Result<Blob> {
    auto container = TRY(require_container(tx, path.account, path.container));
    auto existing = TRY(store::find_blob(tx, container.id, path.name));
    BlobAttributes attributes;
    attributes.content.type = "application/octet-stream";
    if (existing) attributes = {existing->content, existing->metadata};
    attributes.content.md5.clear();  // of a growing blob no hash is known
    const uint64_t start = existing ? existing->size : 0;
    Blob blob =
        TRY(write_row(tx, container, path.name, start + info.size, attributes, WriteRules{}));
    TRY(store::append_segment(tx, blob.id, {info.id, start, info.size, {}}));
    if (TRY(store::count_segments(tx, blob.id)) % kMergeEvery == 0)
      tx.after_commit([this, id = blob.id] { reclaimer_.consider_merge(id); });
    return blob;
  });
}

Result<void> Blobs::stage_block(const BlobPath& path, const std::string& block_id,
                                StagedObject content) {
  TRY(check_path(path));
  const bytes::ObjectInfo& info = content.info();
  return publish(content, [&](db::Tx& tx) -> Result<void> {
    auto container = TRY(require_container(tx, path.account, path.container));
    auto staged = TRY(store::summarize_staged(tx, container.id, path.name));
    if (staged.count >= kUncommittedBlocksMax) return block_count_exceeds_limit();
    if (staged.count > 0 && staged.id_length != block_id.size()) return invalid_block_id();
    TRY(store::stage_block(tx, container.id, path.name, {block_id, info.id, info.size}, now()));
    return {};
  });
}

Result<Blob> Blobs::commit_blocks(const BlobPath& path, const std::vector<BlockRef>& list,
                                  BlobAttributes attributes, const WriteRules& rules) {
  TRY(check_path(path));
  TRY(check_metadata(attributes.metadata));
  return db_.write([&](db::Tx& tx) -> Result<Blob> {
    auto container = TRY(require_container(tx, path.account, path.container));
    auto existing = TRY(store::find_blob(tx, container.id, path.name));
    std::vector<Block> committed;
    if (existing) committed = TRY(committed_blocks(tx, *existing));
    auto staged = TRY(store::staged_blocks(tx, container.id, path.name));
    auto segments = TRY(resolve_blocks(list, committed, staged));
    const uint64_t size = segments.empty() ? 0 : segments.back().start + segments.back().size;
    Blob blob = TRY(write_row(tx, container, path.name, size, attributes, rules));
    size_t removed = TRY(store::replace_segments(tx, blob.id, segments, now()));
    removed += TRY(store::clear_staged_blocks(tx, container.id, path.name, segments, now()));
    if (removed > 0) tx.after_commit([this] { reclaimer_.wake(); });
    return blob;
  });
}

Result<Blob> Blobs::change(const BlobPath& path, const Conditions& conditions,
                           const std::function<void(Blob&)>& edit) {
  return db_.write([&](db::Tx& tx) -> Result<Blob> {
    Blob blob = TRY(require_blob(tx, path));
    TRY(check_change(conditions, blob.etag, blob.modified));
    edit(blob);
    blob.etag = next_etag(blob.etag);
    blob.modified = now();
    TRY(store::update_blob(tx, blob));
    return blob;
  });
}

Result<Blob> Blobs::set_metadata(const BlobPath& path, const Metadata& metadata,
                                 const Conditions& conditions) {
  TRY(check_metadata(metadata));
  return change(path, conditions, [&](Blob& blob) { blob.metadata = metadata; });
}

Result<Blob> Blobs::set_content(const BlobPath& path, const ContentHeaders& content,
                                const Conditions& conditions) {
  return change(path, conditions, [&](Blob& blob) { blob.content = content; });
}

Result<void> Blobs::remove(const BlobPath& path, const Conditions& conditions) {
  return db_.write([&](db::Tx& tx) -> Result<void> {
    Blob blob = TRY(require_blob(tx, path));
    TRY(check_change(conditions, blob.etag, blob.modified));
    TRY(store::delete_blob(tx, blob, now()));
    tx.after_commit([this] { reclaimer_.wake(); });
    return {};
  });
}

}  // namespace lazuli::storage
