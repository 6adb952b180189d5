// SPDX-License-Identifier: Apache-2.0
#include "core/pattern.h"

#include <vector>

#include "base/strings.h"

namespace lazuli::core {
namespace {

constexpr std::string_view kAnySegments = "/*/";

// All places of a pattern that have been reached by the text so far: a simulation of the pattern as
// a nondeterministic automaton, so that no text takes more than length times length steps.
class Places {
 public:
  explicit Places(std::string_view pattern) : pattern_(pattern), there_(pattern.size() + 1) {}

  void begin(size_t place) {
    clear();
    reach(place);
  }
  bool empty() const { return reached_.empty(); }
  bool at_end() const { return there_[pattern_.size()]; }

  // The places reached from those of `before` by one character.
  void advance(const Places& before, char c) {
    clear();
    for (size_t place : before.reached_) {
      if (place == pattern_.size()) continue;
      if (pattern_[place] == '*')
        reach(place);
      else if (pattern_[place] == c)
        reach(place + 1);
    }
  }

 private:
  void clear() {
    for (size_t place : reached_) there_[place] = false;
    reached_.clear();
  }

  // A star may stand for nothing, and "/*/" for "/": what follows is reached as well.
  void reach(size_t place) {
    for (;;) {
      if (there_[place]) return;
      there_[place] = true;
      reached_.push_back(place);
      if (pattern_.substr(place, kAnySegments.size()) == kAnySegments) reach(place + 2);
      if (place == pattern_.size() || pattern_[place] != '*') return;
      ++place;
    }
  }

  std::string_view pattern_;
  std::vector<bool> there_;
  std::vector<size_t> reached_;
};

bool matches_general(std::string_view pattern, std::string_view text) {
  Places current(pattern), next(pattern);
  current.begin(0);
  for (char c : text) {
    next.advance(current, c);
    if (next.empty()) return false;
    std::swap(current, next);
  }
  return current.at_end();
}

}  // namespace

OperationPattern::OperationPattern(std::string_view text) : text_(to_lower(text)) {
  const size_t star = text_.find('*');
  if (star == std::string::npos) return;
  const bool one = text_.find('*', star + 1) == std::string::npos;
  if (one && star + 1 == text_.size()) {
    kind_ = Kind::kPrefix;
    text_.pop_back();
  } else if (one && star == 0) {
    kind_ = Kind::kSuffix;
    text_.erase(0, 1);
  } else {
    kind_ = Kind::kGeneral;
    literal_ = star;
    if (text_.substr(star > 0 ? star - 1 : 0, kAnySegments.size()) == kAnySegments) --literal_;
  }
}

bool OperationPattern::matches(std::string_view operation) const {
  switch (kind_) {
    case Kind::kExact:
      return operation == text_;
    case Kind::kPrefix:
      return operation.starts_with(text_);
    case Kind::kSuffix:
      return operation.ends_with(text_);
    case Kind::kGeneral:
      break;
  }
  const std::string_view pattern = text_;
  if (!operation.starts_with(pattern.substr(0, literal_))) return false;
  return matches_general(pattern.substr(literal_), operation.substr(literal_));
}

}  // namespace lazuli::core
