// SPDX-License-Identifier: Apache-2.0
#include "core/pattern.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "base/strings.h"
#include "core/principal.h"

namespace lazuli::core {
namespace {

bool matches(std::string_view pattern, std::string_view operation) {
  return OperationPattern(pattern).matches(to_lower(operation));
}

// The rule as it is written, without any thought for time.
bool oracle(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.starts_with("/*/") && oracle(pattern.substr(2), text)) return true;
  if (pattern.front() == '*')
    return oracle(pattern.substr(1), text) || (!text.empty() && oracle(pattern, text.substr(1)));
  return !text.empty() && pattern.front() == text.front() &&
         oracle(pattern.substr(1), text.substr(1));
}

TEST(CorePatternTest, FollowsAzuresRules) {
  EXPECT_TRUE(matches("*", "Microsoft.X/a/read"));
  EXPECT_TRUE(matches("*/read", "Microsoft.X/a/b/read"));
  EXPECT_FALSE(matches("*/read", "Microsoft.X/a/write"));
  EXPECT_TRUE(matches("Microsoft.X/*", "microsoft.x/A/b/Delete"));
  EXPECT_FALSE(matches("Microsoft.X/*", "Microsoft.XY/a/read"));
  EXPECT_TRUE(matches("Microsoft.X/*/read", "Microsoft.X/read"));
  EXPECT_TRUE(matches("Microsoft.X/a/*/write", "Microsoft.X/a/write"));
  EXPECT_TRUE(matches("Microsoft.X/a/*/write", "Microsoft.X/a/b/c/write"));
  EXPECT_FALSE(matches("Microsoft.X/a/*/write", "Microsoft.X/ab/write"));
  EXPECT_TRUE(matches("a/*/b/*/c", "a/b/c"));
  EXPECT_FALSE(matches("Microsoft.X/a/read", "Microsoft.X/a/reader"));
  EXPECT_FALSE(matches("", "a"));
}

// Small alphabets meet the corners: stars side by side, at the ends, around slashes.
TEST(CorePatternTest, AgreesWithTheRuleOnRandomPatterns) {
  std::mt19937 random(7);
  auto word = [&](std::string_view alphabet, size_t size_max) {
    std::string text(random() % (size_max + 1), ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    return text;
  };
  int matched = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string pattern = word("ab/*/*", 9), text = word("ab//", 9);
    bool expected = oracle(pattern, text);
    ASSERT_EQ(OperationPattern(pattern).matches(text), expected) << pattern << " " << text;
    ASSERT_EQ(operation_matches(pattern, text), expected) << pattern << " " << text;
    matched += expected;
  }
  EXPECT_GT(matched, 1000);
}

TEST(CorePatternTest, AHostilePatternTakesNoTime) {
  std::string pattern, text(2000, 'a');
  for (int i = 0; i < 500; ++i) pattern += "*a/*/";
  auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(matches(pattern + "b", text));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace lazuli::core
