// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lazuli {
namespace {

TEST(JsonParse, KeepsOrderAndTypes) {
  Json json = *Json::parse(R"( {"b":1,"a":[true,null,"x",-2.5e1],"c":{}} )");
  EXPECT_EQ(json.dump(), R"({"b":1,"a":[true,null,"x",-25.0],"c":{}})");
  EXPECT_EQ(json["a"].items()[3].number(), -25);
  EXPECT_EQ(json["absent"]["deeper"].str("fallback"), "fallback");
  EXPECT_EQ(Json::parse(R"({"a":1,"b":2,"a":3})")->dump(), R"({"a":3,"b":2})");
}

TEST(JsonEquality, DoesNotMindTheOrderOfMembers) {
  EXPECT_EQ(*Json::parse(R"({"a": 1, "b": {"c": [1, 2], "d": null}})"),
            *Json::parse(R"({"b": {"d": null, "c": [1, 2]}, "a": 1})"));
  EXPECT_FALSE(*Json::parse(R"({"a": [1, 2]})") == *Json::parse(R"({"a": [2, 1]})"));
  EXPECT_FALSE(*Json::parse(R"({"a": 1})") == *Json::parse(R"({"a": 1, "b": 2})"));
}

TEST(JsonParse, ReadsNumbersExactly) {
  EXPECT_EQ(Json::parse("9223372036854775807")->integer(), INT64_MAX);
  EXPECT_EQ(Json::parse("-9223372036854775808")->integer(), INT64_MIN);
  EXPECT_EQ(Json::parse("9223372036854775808")->number(), 9223372036854775808.0);
  EXPECT_EQ(Json::parse("1e-400")->number(), 0);
  for (const char* text : {"0.1", "0.30000000000000004", "2.2250738585072011e-308", "1e23",
                           "9007199254740993.0", "123456789012345678901234567890", "5e-324",
                           "1.7976931348623157e308", "0.000123456789012345678", "8.589973e9"})
    EXPECT_EQ(Json::parse(text)->number(), std::strtod(text, nullptr)) << text;
  EXPECT_FALSE(Json::parse("1e400").ok());
  EXPECT_FALSE(Json::parse("[-1e999]").ok());
}

TEST(JsonParse, DoublesSurviveADump) {
  for (double value : {0.1, 1.0 / 3, 1e300, -5e-324, 123456789.125, 1e21, -0.0})
    EXPECT_EQ(Json::parse(Json(value).dump())->number(), value);
  EXPECT_EQ(Json(NAN).dump(), "null");
  EXPECT_EQ(Json(3.0).dump(), "3.0");
}

TEST(JsonParse, RefusesWhatIsNotJson) {
  for (const char* bad :
       {"",        " ",         "{",           "[",           "[1,]",     "{\"a\":1,}",
        "{a:1}",   "{'a':1}",   "nul",         "NaN",         "Infinity", "01",
        "1.",      ".5",        "+1",          "1e",          "0x1",      "\"",
        "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\t\"",   "1 2",
        "[1]x",    "// c\n1",   "/* */1",      "{\"a\"}",     "{1:2}",    "--1"})
    EXPECT_FALSE(Json::parse(bad).ok()) << bad;
  EXPECT_NE(Json::parse("[1,x]").error().message.find("byte 3"), std::string::npos);
}

TEST(JsonParse, RefusesInvalidUtf8) {
  for (const char* bad : {"\"\x80\"", "\"\xC3\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"",
                          "\"\xF8\x88\x80\x80\x80\"", "\"\xF4\x90\x80\x80\"", "{\"\xFF\":1}"})
    EXPECT_FALSE(Json::parse(bad).ok());
  EXPECT_EQ(Json::parse("\"\\ud83d\\ude00\\u0000\"")->str(),
            std::string_view("\xF0\x9F\x98\x80\0", 5));
}

TEST(JsonParse, BoundsDepthAndSize) {
  EXPECT_TRUE(Json::parse(std::string(64, '[') + std::string(64, ']')).ok());
  EXPECT_FALSE(Json::parse(std::string(65, '[') + std::string(65, ']')).ok());
  EXPECT_FALSE(Json::parse(std::string(1'000'000, '[')).ok());
  EXPECT_EQ(Json::parse("[1,2,3]", {6, 64}).error().code, Code::kPayloadTooLarge);
  EXPECT_FALSE(Json::parse("[[1]]", {100, 1}).ok());
}

TEST(JsonParse, ManyKeysCostNoSquares) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += "\"k" + std::to_string(i) + "\":1,";
  text += "\"k7\":2}";
  auto start = std::chrono::steady_clock::now();
  auto json = Json::parse(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->size(), 300'000u);
  EXPECT_EQ((*json)["k7"].integer(), 2);
}

TEST(JsonDump, EscapesStrings) {
  EXPECT_EQ(Json(std::string_view("\"\\/\n\r\t\x01\x7f\0", 9)).dump(),
            "\"\\\"\\\\/\\n\\r\\t\\u0001\x7f\\u0000\"");
  EXPECT_EQ(Json::object({{"a", Json::array({1})}, {"b", Json::object()}}).dump_pretty(),
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n");
}

TEST(JsonEdit, SetsErasesAndMerges) {
  Json json = Json::object({{"a", 1}, {"b", Json::object({{"c", 2}, {"d", 3}})}});
  json["e"]["f"] = "g";
  json["l"].push_back(1).push_back("x");
  EXPECT_TRUE(json.erase("a"));
  EXPECT_FALSE(json.erase("a"));
  json.merge_patch(*Json::parse(R"({"b":{"c":null,"n":{"m":null,"o":1}},"l":[9]})"));
  EXPECT_EQ(json.dump(), R"({"b":{"d":3,"n":{"o":1}},"e":{"f":"g"},"l":[9]})");
}

TEST(JsonRead, FallsBackOnOtherTypes) {
  Json text("12");
  EXPECT_EQ(text.integer(7), 7);
  EXPECT_EQ(Json(1e300).integer(7), 7);
  EXPECT_EQ(Json(2.9).integer(), 2);
  EXPECT_EQ(Json(1) == Json(1.0), true);
  EXPECT_EQ(Json(true).text(), "true");
  EXPECT_EQ(Json().text(), "");
  EXPECT_TRUE(std::as_const(text)["x"].is_null());
  EXPECT_EQ(text.str(), "12");
  text["x"] = 1;
  EXPECT_EQ(text.dump(), R"({"x":1})");
}

}  // namespace
}  // namespace lazuli
