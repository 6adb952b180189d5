// SPDX-License-Identifier: Apache-2.0
#include "services/directory/odata.h"

#include <gtest/gtest.h>

namespace lazuli::directory {
namespace {

Json object() {
  return Json::parse(R"({"displayName": "O'Brien", "appId": "A-1", "enabled": true, "count": 3,
    "nothing": null, "createdDateTime": "2026-01-02T00:00:00Z", "names": ["x", "y"],
    "web": {"redirectUris": ["https://a"]}, "infos": [{"id": "1"}, {"id": "2"}]})")
      .value();
}

bool matches(std::string_view text) {
  auto filter = Filter::parse(text);
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.error().message;
  return filter.ok() && filter->matches(object());
}

TEST(DirectoryFilterTest, Matches) {
  for (const char* text : {"displayName eq 'O''Brien'",
                           "displayName eq 'o''brien'",
                           "startswith(displayName,'o')",
                           "startsWith(displayName, 'O')",
                           "endswith(displayName,'ien')",
                           "appId eq 'a-1'",
                           "appId in ('b', 'A-1')",
                           "not(appId eq 'b')",
                           "not startswith(displayName,'z')",
                           "(appId eq 'b' or appId eq 'a-1') and enabled eq true",
                           "enabled",
                           "count ge 3",
                           "count lt 4 and count ne 2",
                           "nothing eq null",
                           "missing eq null",
                           "appId ne null",
                           "createdDateTime ge 2026-01-01T00:00:00Z",
                           "names/any(n:n eq 'X')",
                           "names/any()",
                           "web/redirectUris/any(p:p eq 'https://a')",
                           "infos/any(i:i/id eq '2')",
                           "infos/any(i: i/id eq '2' or i/id eq '9')"})
    EXPECT_TRUE(matches(text)) << text;
  for (const char* text : {"displayName eq 'x'", "names/any(n:n eq 'z')", "missing/any()",
                           "count gt 3", "nothing ne null", "startswith(count,'3')",
                           "appId eq 'a-1' and appId eq 'b'", "names eq 'x'"})
    EXPECT_FALSE(matches(text)) << text;
}

TEST(DirectoryFilterTest, RefusesWhatIsNone) {
  for (const char* text : {"", "displayName eq", "displayName eq 'x", "(a eq 1", "a eq 1)",
                           "a eq 1 and", "toupper(a) eq 'X'", "a/any(x:", "a/any(x eq 1)", "a in 1",
                           "eq 'x'", "a/$count eq 0", "startswith('x',a)", "a b c"})
    EXPECT_FALSE(Filter::parse(text).ok()) << text;
  EXPECT_FALSE(Filter::parse(std::string(5000, '(')).ok());
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_FALSE(Filter::parse(nots + "a").ok());
  std::string many = "a";
  for (int i = 0; i < 2000; ++i) many += " or a";
  EXPECT_FALSE(Filter::parse(many).ok());
}

TEST(DirectoryFilterTest, TellsWhatMustBeEqual) {
  Filter filter = Filter::parse("appId eq 'x' and names/any(c:c eq 'y')").value();
  EXPECT_EQ(filter.required("appid"), "x");
  EXPECT_EQ(filter.required_element("names"), "y");
  EXPECT_FALSE(Filter::parse("appId eq 'x' or a eq 'b'")->required("appId"));
  EXPECT_FALSE(Filter::parse("not(appId eq 'x')")->required("appId"));
}

TEST(DirectoryFilterTest, SelectsMembers) {
  Json kept = selected(object(), {"appid", "web"});
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(selected(object(), {}), object());
}

}  // namespace
}  // namespace lazuli::directory
