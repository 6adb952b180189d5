// SPDX-License-Identifier: Apache-2.0
#include "engines/template/jsonc.h"

#include <gtest/gtest.h>

namespace lazuli::templates {
namespace {

std::string parsed(std::string_view text) {
  auto json = parse_jsonc(text);
  return json.ok() ? json->dump() : "refused";
}

TEST(TemplateJsonc, TakesTheLibertiesOfTemplates) {
  EXPECT_EQ(parsed("{\"properties\": {\"mode\": \"x\", template:{\r\n \"a\": 1 // one\n}}}"),
            R"({"properties":{"mode":"x","template":{"a":1}}})");
  EXPECT_EQ(parsed("/* head */ {a: [1, 2, /* last */ ], \"b\": true, }"),
            R"({"a":[1,2],"b":true})");
  EXPECT_EQ(parsed("{\"s\": \"one\ntwo // no /* comment */ \\\" \"}"),
            R"({"s":"one\ntwo // no /* comment */ \" "})");
  EXPECT_EQ(parsed("{\"a\": 1}"), R"({"a":1})");
}

TEST(TemplateJsonc, RefusesTheRest) {
  for (std::string_view text : {"{", "{a}", "{\"a\": b}", "{'a': 1}", "{\"a\" 1}", "[1,,]", "/*",
                                "//", "{\"a\": \"", "{\"a\": \"\\", "{a:"})
    EXPECT_EQ(parsed(text), "refused") << text;
}

}  // namespace
}  // namespace lazuli::templates
