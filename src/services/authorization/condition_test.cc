// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/condition.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "services/authorization/roles.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kRead =
    "microsoft.storage/storageaccounts/blobservices/containers/blobs/read";
const std::string kContainer = "Microsoft.Storage/storageAccounts/blobServices/containers:name";
const std::string kPath = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path";

struct AuthorizationCondition : testing::Test {
  core::Attributes attributes;
  std::string operation{kRead};

  Verdict ask(std::string_view text) {
    Result<Condition> condition = Condition::parse(text);
    EXPECT_TRUE(condition.ok()) << text << ": " << condition.error().message;
    return condition.ok() ? condition->evaluate({operation, attributes}) : Verdict::kUnknown;
  }
  bool yes(std::string_view text) { return ask(text) == Verdict::kTrue; }
  bool no(std::string_view text) { return ask(text) == Verdict::kFalse; }
  bool unknown(std::string_view text) { return ask(text) == Verdict::kUnknown; }
};

TEST_F(AuthorizationCondition, ReadsBlobsOfOneContainerAsDocumented) {
  const std::string text = cat({"((!(ActionMatches{'", kRead, "'} AND NOT ",
                                "SubOperationMatches{'Blob.List'})) OR (@Resource[", kContainer,
                                "] StringEquals 'public'))"});
  EXPECT_TRUE(unknown(text));
  attributes.set("resource", kContainer, "private");
  EXPECT_TRUE(no(text));
  attributes.add_suboperation("Blob.List");
  EXPECT_TRUE(yes(text));
  attributes = {};
  attributes.set("Resource", to_lower(kContainer), "public");
  EXPECT_TRUE(yes(text));
  operation = "microsoft.storage/storageaccounts/blobservices/containers/blobs/write";
  attributes = {};
  EXPECT_TRUE(yes(text)) << "another action is not meant";
}

TEST_F(AuthorizationCondition, KnowsTheDocumentedOperators) {
  attributes.set("Resource", "n", "abcd");
  EXPECT_TRUE(yes("@Resource[n] StringLike 'a*c?'"));
  EXPECT_TRUE(no("@Resource[n] StringLike 'A*C?'"));
  EXPECT_TRUE(yes("@Resource[n] StringLikeIgnoreCase 'A*C?'"));
  EXPECT_TRUE(no("@Resource[n] StringLike 'a*c'"));
  EXPECT_TRUE(yes("@Resource[n] StringStartsWith 'ab'"));
  EXPECT_TRUE(yes("@Resource[n] StringNotStartsWithIgnoreCase 'b'"));
  EXPECT_TRUE(
      yes("@Resource[n] StringNotEquals 'ABCD' && @Resource[n] StringEqualsIgnoreCase 'ABCD'"));
  EXPECT_TRUE(yes("{'red', 'blue'} ForAnyOfAnyValues:StringEquals {'blue', 'green'}"));
  EXPECT_TRUE(no("{'red', 'blue'} ForAnyOfAnyValues:StringEquals {'orange', 'green'}"));
  EXPECT_TRUE(yes("{'red', 'blue'} ForAllOfAnyValues:StringEquals {'orange', 'red', 'blue'}"));
  EXPECT_TRUE(no("{'red', 'blue'} ForAllOfAnyValues:StringEquals {'red', 'green'}"));
  EXPECT_TRUE(yes("{10, 20} ForAnyOfAllValues:NumericLessThan {15, 18}"));
  EXPECT_TRUE(no("{10, 20} ForAllOfAllValues:NumericLessThan {5, 15, 18}"));
  EXPECT_TRUE(yes("{10, 20} ForAllOfAllValues:NumericLessThan {25, 30}"));
  EXPECT_TRUE(no("{10, 20} ForAllOfAllValues:NumericLessThan {15, 25, 30}"));
  EXPECT_TRUE(yes("true BoolEquals TRUE"));
  EXPECT_TRUE(yes("'2026-01-02' DateTimeGreaterThan '2026-01-01T23:59:59Z'"));
  EXPECT_TRUE(
      yes("8e3af657-a8ff-443c-a75c-2fe8c4bcb635 ForAnyOfAnyValues:GuidEquals "
          "{8E3AF657-A8FF-443C-A75C-2FE8C4BCB635, acdd72a7-3385-48ef-bd42-f606fba81ae7}"));
}

TEST_F(AuthorizationCondition, WhatIsMissingOrOfAnotherTypeIsUnknown) {
  EXPECT_TRUE(unknown("@Resource[n] StringEquals 'a'"));
  EXPECT_TRUE(unknown("!(@Resource[n] StringEquals 'a')"));
  EXPECT_TRUE(unknown("@Resource[n] StringNotEquals 'a'"));
  EXPECT_TRUE(no("Exists @Resource[n]"));
  EXPECT_TRUE(yes("NOT Exists @Resource[n] AND NotExists @Request[n]"));
  EXPECT_TRUE(yes("(@Resource[n] StringEquals 'a') OR ('b' StringEquals 'b')"));
  EXPECT_TRUE(no("(@Resource[n] StringEquals 'a') AND ('b' StringEquals 'c')"));
  attributes.set("Resource", "n", "x");
  EXPECT_TRUE(unknown("@Request[n] StringEquals 'x'"));
  EXPECT_TRUE(unknown("@Resource[n] NumericEquals 1"));
  EXPECT_TRUE(unknown("@Resource[n] GuidNotEquals 8e3af657-a8ff-443c-a75c-2fe8c4bcb635"));
  EXPECT_TRUE(unknown("@Resource[n] DateTimeLessThan '2026-01-01'"));
}

TEST_F(AuthorizationCondition, RefusesWhatDoesNotParse) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "(";
  std::string deep_not;
  for (int i = 0; i < 2000; ++i) deep_not += "!";
  for (const std::string& bad :
       {std::string(),
        std::string("'a' StringEquals 'a' AND 'b' StringEquals 'b' OR 'c' "
                    "StringEquals 'c'"),
        std::string("@Resource[n]"), std::string("@Resource[n] Equals 'a'"),
        std::string("@Nobody[n] StringEquals 'a'"), std::string("@Resource[n StringEquals 'a'"),
        std::string("('a' StringEquals 'a'"), std::string("'a' StringEquals 'a')"),
        std::string("'a StringEquals"), std::string("ActionMatches{}"),
        std::string("ActionMatches{'a'"), std::string("'a' StringEquals {'a','b'}"),
        std::string("1 NumericLike 1"), std::string("1 NumericNotLessThan 1"),
        std::string("Exists 'a'"), std::string("'a' GuidStartsWith 'a'"), deep, deep_not,
        std::string(9000, ' ')}) {
    auto parsed = Condition::parse(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.error().wire_code, "InvalidConditionFormat");
  }
}

// Every condition that a built-in role carries is understood.
TEST_F(AuthorizationCondition, TheBuiltInRolesParse) {
  auto roles = BuiltInRoles::load();
  ASSERT_TRUE(roles.ok()) << roles.error().message;
  EXPECT_EQ((*roles)->size(), 928u);
  int conditions = 0;
  for (std::string_view id : (*roles)->ids()) {
    auto role = (*roles)->find(id);
    ASSERT_TRUE(role) << id;
    for (const Permission& each : role->definition.permissions) {
      if (each.condition.empty()) continue;
      ++conditions;
      auto parsed = Condition::parse(each.condition);
      EXPECT_TRUE(parsed.ok()) << role->definition.name << ": " << parsed.error().message << "\n"
                               << each.condition;
    }
  }
  EXPECT_GT(conditions, 0);
}

}  // namespace
}  // namespace lazuli::authorization
