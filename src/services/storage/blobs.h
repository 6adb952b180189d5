// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bytes/bytes.h"
#include "db/db.h"
#include "services/storage/api.h"
#include "services/storage/blob_reader.h"
#include "services/storage/conditions.h"
#include "services/storage/model.h"
#include "services/storage/reclaimer.h"
#include "services/storage/upload.h"

namespace lazuli::storage {

// What a write needs besides content and attributes.
struct WriteRules {
  Conditions conditions;
  bool may_replace = true;  // false for a SAS that allows creating only
};

// A reference in a block list and where to look for it.
struct BlockRef {
  enum class From { kLatest, kCommitted, kUncommitted } from = From::kLatest;
  std::string id;
};

struct BlockLists {
  std::optional<Blob> blob;  // absent: only staged blocks so far
  std::vector<Block> committed, uncommitted;
};

// A page of a listing with or without a delimiter.
struct ListQuery {
  std::string prefix, delimiter;
  std::string from;  // where the page starts; "" = at the prefix
  size_t count = 5000;
};
struct ListPage {
  struct Item {
    std::optional<Blob> blob;  // absent: a common prefix
    std::string prefix;
  };
  std::vector<Item> items;
  std::string next;  // `from` of the next page; "" = this was the last
};

struct OpenBlob {
  Blob blob;
  std::unique_ptr<bytes::Reader> reader;
};

// Containers and block blobs: the rules of the service above its tables and the byte store. A write
// returns when content and row are durable, in that order. Thread-safe.
class Blobs {
 public:
  Blobs(db::Database::Handle db, bytes::Store& bytes);

  void start() { reclaimer_.start(); }
  void stop() noexcept { reclaimer_.stop(); }
  bytes::Store& bytes() { return bytes_; }

  Result<Container> create_container(const std::string& account, const std::string& name,
                                     const Metadata& metadata);
  Result<Container> get_container(const std::string& account, const std::string& name);
  Result<Container> set_container_metadata(const std::string& account, const std::string& name,
                                           const Metadata& metadata, const Conditions& conditions);
  // `also` happens in the same transaction.
  Result<void> delete_container(const std::string& account, const std::string& name,
                                const Conditions& conditions,
                                const std::function<Result<void>(db::Tx&)>& also = {});
  // With everything in it, within the caller's transaction.
  Result<void> delete_containers_of(db::Tx& tx, const std::string& account);
  Result<std::vector<Container>> list_containers(const std::string& account,
                                                 const std::string& from, size_t count);

  Result<Blob> get(const BlobPath& path);
  // The reader reaches what lies in [begin, end).
  Result<OpenBlob> open(const BlobPath& path, uint64_t begin = 0,
                        uint64_t end = std::numeric_limits<int64_t>::max());
  Result<ListPage> list(const std::string& account, const std::string& container,
                        const ListQuery& query);
  Result<BlockLists> block_lists(const BlobPath& path);

  Result<Blob> put(const BlobPath& path, StagedObject content, BlobAttributes attributes,
                   const WriteRules& rules);
  Result<Blob> append(const BlobPath& path, StagedObject content);
  Result<void> stage_block(const BlobPath& path, const std::string& block_id, StagedObject content);
  Result<Blob> commit_blocks(const BlobPath& path, const std::vector<BlockRef>& list,
                             BlobAttributes attributes, const WriteRules& rules);
  Result<Blob> set_metadata(const BlobPath& path, const Metadata& metadata,
                            const Conditions& conditions);
  Result<Blob> set_content(const BlobPath& path, const ContentHeaders& content,
                           const Conditions& conditions);
  Result<void> remove(const BlobPath& path, const Conditions& conditions);

 private:
  // Runs a write that gives `staged` an owner. The object is kept unless the closure itself
  // refused: after any other failure the commit may have happened.
  template <typename F>
  auto publish(StagedObject& staged, F closure) -> std::invoke_result_t<F&, db::Tx&>;
  Result<Blob> change(const BlobPath& path, const Conditions& conditions,
                      const std::function<void(Blob&)>& edit);
  // Creates or replaces the blob's row; content is the caller's next step.
  Result<Blob> write_row(db::Tx& tx, const Container& container, const std::string& name,
                         uint64_t size, const BlobAttributes& attributes, const WriteRules& rules);
  uint64_t next_etag(uint64_t before);

  db::Database::Handle db_;
  bytes::Store& bytes_;
  ReadTickets tickets_;
  Reclaimer reclaimer_;
  std::atomic<uint64_t> last_etag_{0};
};

// The smallest text greater than every text with this prefix; "" when there is none.
std::string prefix_end(std::string_view prefix);

}  // namespace lazuli::storage
