// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <gtest/gtest.h>

namespace lazuli::http {
namespace {

std::string text_of(const Headers& headers) {
  std::string text;
  for (const Headers::Field field : headers.fields()) {
    text += field.name;
    text += '=';
    text += field.value;
    text += ';';
  }
  return text;
}

TEST(HttpHeaders, KeepOrderAndFindWithoutCase) {
  Headers headers;
  headers.add("Host", "a");
  headers.add("X-One", "1");
  headers.add("x-one", "2");
  EXPECT_EQ(headers.get("x-ONE"), "1");
  EXPECT_EQ(headers.count("X-one"), 2u);
  EXPECT_FALSE(headers.contains("X-On"));
  EXPECT_EQ(headers.get_or("none", "else"), "else");
  EXPECT_EQ(text_of(headers), "Host=a;X-One=1;x-one=2;");
}

TEST(HttpHeaders, SettingReplacesAllOfAName) {
  Headers headers;
  for (const char* name : {"a", "B", "b", "c", "b"}) headers.add(name, "old");
  headers.set("b", *headers.get("c"));  // a view into itself
  EXPECT_EQ(text_of(headers), "a=old;B=old;c=old;");
  headers.set("d", "new");
  headers.set("A", "much longer than what was there before, so the text has to grow: " +
                       std::string(600, 'x'));
  EXPECT_EQ(headers.get("a")->size(), 665u);
  EXPECT_EQ(headers.get("d"), "new");
  headers.erase("B");
  EXPECT_EQ(headers.size(), 3u);
  const Headers copy = headers;
  headers.clear();
  EXPECT_EQ(headers.size(), 0u);
  EXPECT_EQ(copy.get("c"), "old");
}

}  // namespace
}  // namespace lazuli::http
