// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engines/workflow/workflow.h"

namespace lazuli::workflow {

// The steps of one run by position, with the edges that say who waits for whom.
class Graph {
 public:
  struct Edge {
    uint32_t to = 0;
    Ends accept;
  };
  struct Node {
    Step step;
    std::vector<Edge> next;
    uint32_t before = 0;   // predecessors
    uint32_t depth = 0;    // predecessors always have a smaller one
    bool handled = false;  // some successor accepts its failure
    bool undoes = false;   // a compensation
  };

  // Of a definition that was checked.
  explicit Graph(Definition definition);

  size_t size() const { return nodes_.size(); }
  const Node& operator[](size_t position) const { return nodes_[position]; }
  std::optional<uint32_t> find(std::string_view step) const;
  const Definition& settings() const { return settings_; }  // its steps are here instead

  // Whether `more` may be added once the step at `by` has ended; `ended` tells which others have.
  Result<void> check_more(uint32_t by, const std::vector<Step>& more,
                          const std::function<bool(uint32_t)>& ended) const;
  // Adds them; what comes after `by` comes after those of them that nothing else comes after, too.
  void add_more(uint32_t by, const std::vector<Step>& more);
  // Adds the compensations of steps, one after the other.
  void add_undo(const std::vector<std::string>& undone);

 private:
  uint32_t add(Step step);
  void connect(uint32_t from, uint32_t to, Ends accept);

  Definition settings_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string, uint32_t> index_;
};

}  // namespace lazuli::workflow
