// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/graph.h"

#include <algorithm>

#include "base/strings.h"
#include "engines/workflow/model.h"

namespace lazuli::workflow {
namespace {

Ends accepted(const Step& step, const std::string& before) {
  const auto found = step.accept.find(before);
  return found == step.accept.end() ? Ends() : found->second;
}

}  // namespace

Graph::Graph(Definition definition) : settings_(std::move(definition)) {
  std::vector<Step> steps = std::move(settings_.steps);
  settings_.steps.clear();
  nodes_.reserve(steps.size());
  for (Step& step : steps) add(std::move(step));
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    for (const std::string& before : nodes_[i].step.after) {
      connect(index_.at(before), i, accepted(nodes_[i].step, before));
    }
  }
  // Depths in topological order.
  std::vector<uint32_t> open(nodes_.size()), ready;
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    open[i] = nodes_[i].before;
    if (open[i] == 0) ready.push_back(i);
  }
  for (size_t taken = 0; taken < ready.size(); ++taken) {
    for (const Edge& edge : nodes_[ready[taken]].next) {
      Node& to = nodes_[edge.to];
      to.depth = std::max(to.depth, nodes_[ready[taken]].depth + 1);
      if (--open[edge.to] == 0) ready.push_back(edge.to);
    }
  }
}

std::optional<uint32_t> Graph::find(std::string_view step) const {
  const auto found = index_.find(std::string(step));
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

uint32_t Graph::add(Step step) {
  const auto position = static_cast<uint32_t>(nodes_.size());
  index_.emplace(step.name, position);
  Node node;
  node.step = std::move(step);
  nodes_.push_back(std::move(node));
  return position;
}

void Graph::connect(uint32_t from, uint32_t to, Ends accept) {
  nodes_[from].next.push_back({to, accept});
  nodes_[from].handled |= accept.failed;
  ++nodes_[to].before;
}

Result<void> Graph::check_more(uint32_t by, const std::vector<Step>& more,
                               const std::function<bool(uint32_t)>& ended) const {
  if (nodes_.size() + more.size() > kStepsMax) {
    return invalid_argument(
        cat({"The run would have more than ", std::to_string(kStepsMax), " steps."}));
  }
  Definition added;
  added.lanes = settings_.lanes;
  for (const Step& step : more) {
    if (index_.contains(step.name)) {
      return invalid_argument(cat({"Two workflow steps are named '", step.name, "'."}));
    }
    Step inner = step;
    std::erase_if(inner.after, [&](const std::string& before) {
      const auto found = find(before);
      const bool over = found && (*found == by || ended(*found));
      if (over) inner.accept.erase(before);
      return over;
    });
    added.steps.push_back(std::move(inner));
  }
  return check_definition(added);
}

void Graph::add_more(uint32_t by, const std::vector<Step>& more) {
  const auto first = static_cast<uint32_t>(nodes_.size());
  const uint32_t depth = nodes_[by].depth;
  for (const Step& step : more) add(step);
  for (uint32_t i = first; i < nodes_.size(); ++i) {
    nodes_[i].depth = depth + 1;
    for (const std::string& before : nodes_[i].step.after) {
      const uint32_t from = index_.at(before);
      nodes_[i].depth = std::max(nodes_[i].depth, nodes_[from].depth + 1);
      connect(from, i, accepted(nodes_[i].step, before));
    }
  }
  // Only the edges the step had before it grew: the new steps are not to wait for each other.
  const std::vector<Edge> next = nodes_[by].next;
  for (uint32_t i = first; i < nodes_.size(); ++i) {
    if (!nodes_[i].next.empty()) continue;
    for (const Edge& edge : next) {
      if (edge.to < first) connect(i, edge.to, edge.accept);
    }
  }
}

void Graph::add_undo(const std::vector<std::string>& undone) {
  constexpr Ends kWhatever{true, true, true, true};
  std::optional<uint32_t> last;
  for (const std::string& name : undone) {
    const uint32_t of = index_.at(name);
    const Compensation& compensation = *nodes_[of].step.compensation;
    Step step{.name = cat({name, "~undo"}),
              .kind = compensation.kind,
              .params = compensation.params,
              .after = {name},
              .attempts_max = nodes_[of].step.attempts_max,
              .timeout = nodes_[of].step.timeout,
              .backoff = nodes_[of].step.backoff};
    const uint32_t added = add(std::move(step));
    nodes_[added].undoes = true;
    nodes_[added].depth = nodes_[of].depth + 1;
    connect(of, added, kWhatever);
    if (last) connect(*last, added, kWhatever);
    last = added;
  }
}

}  // namespace lazuli::workflow
