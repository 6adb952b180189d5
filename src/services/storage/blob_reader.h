// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "bytes/bytes.h"
#include "http/message.h"
#include "services/storage/model.h"

namespace lazuli::storage {

// Knows who may still be reading. A reader takes a ticket before it looks at the database; an
// object whose reference is gone may be removed once every ticket older than that moment is back.
// Thread-safe; outlives its tickets.
class ReadTickets {
 public:
  class Ticket {
   public:
    Ticket(ReadTickets& owner, uint64_t number) : owner_(&owner), number_(number) {}
    Ticket(Ticket&& other) noexcept : owner_(other.owner_), number_(other.number_) {
      other.owner_ = nullptr;
    }
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (owner_ != nullptr) owner_->put_back(number_);
    }

   private:
    ReadTickets* owner_;
    uint64_t number_;
  };

  Ticket take();
  uint64_t next() const;  // the number the next ticket will have
  bool all_back_before(uint64_t number) const;

 private:
  void put_back(uint64_t number);
  mutable std::mutex mutex_;
  uint64_t next_ = 1;
  std::set<uint64_t> out_;
};

// A blob's content at one moment, as one object. Opens its segments as they are reached.
class BlobReader : public bytes::Reader {
 public:
  BlobReader(bytes::Store& store, std::vector<Segment> segments, uint64_t size,
             ReadTickets::Ticket ticket)
      : store_(store), segments_(std::move(segments)), size_(size), ticket_(std::move(ticket)) {}
  uint64_t size() const override { return size_; }
  Result<size_t> read(uint64_t offset, std::span<std::byte> out) override;

 private:
  Result<std::shared_ptr<bytes::Reader>> open(size_t index);

  bytes::Store& store_;
  const std::vector<Segment> segments_;
  const uint64_t size_;
  ReadTickets::Ticket ticket_;
  std::mutex mutex_;  // guards what follows: the segment read last
  size_t open_index_ = 0;
  std::shared_ptr<bytes::Reader> open_reader_;
};

// Streams [begin, end) of a reader to a client.
class RangeSource : public http::BodySource {
 public:
  RangeSource(std::unique_ptr<bytes::Reader> reader, uint64_t begin, uint64_t end)
      : reader_(std::move(reader)), position_(begin), end_(end) {}
  Result<size_t> read(std::span<std::byte> out) override;

 private:
  std::unique_ptr<bytes::Reader> reader_;
  uint64_t position_;
  const uint64_t end_;
};

}  // namespace lazuli::storage
