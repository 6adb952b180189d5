// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lazuli::core {

// Named values of a request: few, so a list is searched. Names compare exactly and are unique.
class Params {
 public:
  using Item = std::pair<std::string, std::string>;

  Params() = default;
  Params(std::initializer_list<Item> items) : items_(items) {}

  const std::string* find(std::string_view name) const {
    for (const Item& item : items_)
      if (item.first == name) return &item.second;
    return nullptr;
  }
  std::string& operator[](std::string_view name) {
    for (Item& item : items_)
      if (item.first == name) return item.second;
    return items_.emplace_back(std::string(name), std::string()).second;
  }
  void reserve(size_t count) { items_.reserve(count); }
  // Takes what is not here yet.
  void merge(Params other) {
    for (Item& item : other.items_)
      if (find(item.first) == nullptr) items_.push_back(std::move(item));
  }

 private:
  std::vector<Item> items_;
};

}  // namespace lazuli::core
