// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace lazuli::http {

// Bytes on their way: filled at the end, taken at the front. Its storage is not initialised, and is
// kept when it is emptied.
class Buffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // Room for exactly `size` bytes behind the content; what is really written is then committed.
  std::span<char> room(size_t size) {
    if (capacity_ - end_ < size) grow(size);
    return {data_.get() + end_, size};
  }
  void commit(size_t size) { end_ += size; }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()).data(), text.data(), text.size());
    commit(text.size());
  }
  void take(size_t size) { begin_ += size; }
  void clear() { begin_ = end_ = 0; }
  // Empties it, and gives its storage back if it is larger than `kept`.
  void shrink(size_t kept) {
    clear();
    if (capacity_ <= kept) return;
    data_.reset();
    capacity_ = 0;
  }

 private:
  void grow(size_t size) {
    const size_t needed = this->size() + size;
    const size_t capacity = needed <= capacity_ ? capacity_ : std::max(needed, capacity_ * 2);
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    if (!empty()) std::memcpy(data.get(), data_.get() + begin_, this->size());
    end_ = this->size();
    begin_ = 0;
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace lazuli::http
