// SPDX-License-Identifier: Apache-2.0
#include "codec/yaml.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lazuli {
namespace {

std::string as_json(std::string_view yaml) {
  auto parsed = parse_yaml(yaml);
  return parsed.ok() ? parsed->dump() : "error: " + parsed.error().message;
}

TEST(YamlParse, ResolvesPlainScalarsByTheCoreSchema) {
  EXPECT_EQ(as_json("[true, False, TRUE, yes, null, ~, Null, nULL]"),
            R"([true,false,true,"yes",null,null,null,"nULL"])");
  EXPECT_EQ(as_json("[1, -2, +3, 0x1F, 0o17, 017, 9223372036854775807]"),
            R"([1,-2,3,31,15,17,9223372036854775807])");
  EXPECT_EQ(as_json("[1.5, 1., .5, 1e3, -1.5E-2, 1_000, 1.2.3, 12:30, 2024-01-01]"),
            R"([1.5,1.0,0.5,1000.0,-0.015,"1_000","1.2.3","12:30","2024-01-01"])");
  EXPECT_EQ(as_json("[., +, -, e5, 1e, 0x, '']"), R"([".","+","-","e5","1e","0x",""])");
  EXPECT_TRUE(std::isinf(parse_yaml("-.inf")->number()));
  EXPECT_TRUE(std::isnan(parse_yaml(".nan")->number()));
}

TEST(YamlParse, KeepsQuotedAndBlockScalarsAsText) {
  EXPECT_EQ(as_json("a: '1'\nb: \"true\"\nc: |\n  x\n  y\nd: >-\n  x\n  y\n"),
            R"({"a":"1","b":"true","c":"x\ny\n","d":"x y"})");
  EXPECT_EQ(as_json("a: !!str 1\nb: !!int '7'\nc: !!float 1\nd: !!null ''"),
            R"({"a":"1","b":7,"c":1.0,"d":null})");
}

TEST(YamlParse, KeepsKeysAsWrittenAndInOrder) {
  EXPECT_EQ(as_json("b: 1\na:\n1: x\ntrue: y\n"), R"({"b":1,"a":null,"1":"x","true":"y"})");
  EXPECT_EQ(as_json(""), "null");
  EXPECT_EQ(as_json("a: 1\n...\n...\n"), R"({"a":1})");
  EXPECT_EQ(as_json("a"), R"("a")");
  EXPECT_EQ(as_json("# only a comment\n"), "null");
  EXPECT_EQ(as_json("---\na: [b, {c: d}]\n...\n"), R"({"a":["b",{"c":"d"}]})");
}

TEST(YamlParse, ExpandsAnchorsAndMergeKeys) {
  EXPECT_EQ(as_json("x: &x {a: 1, b: 2}\ny: *x\nz:\n  <<: *x\n  b: 3\n"),
            R"({"x":{"a":1,"b":2},"y":{"a":1,"b":2},"z":{"b":3,"a":1}})");
  EXPECT_EQ(as_json("a: &a {k: 1}\nb: &b {k: 2, l: 3}\nc: {<<: [*a, *b]}\n"),
            R"({"a":{"k":1},"b":{"k":2,"l":3},"c":{"k":1,"l":3}})");
  EXPECT_EQ(as_json("'<<': 1"), R"({"<<":1})");
}

TEST(YamlParse, ErrorsNameLineAndColumn) {
  EXPECT_NE(as_json("a: 1\nb: [1, 2\n").find(" at "), std::string::npos);
  EXPECT_NE(as_json("a: 1\na: 2\n").find("twice at 2:1"), std::string::npos)
      << as_json("a: 1\na: 2");
  for (const char* bad :
       {"a: b: c", "\t- x\n- y\n\t", "a: *nowhere", "a: &a [*a]", "? [a]\n: b", "<<: 1",
        "a: 1\n---\nb: 2\n", "!custom x", "a: !!int x", "\x04", "\xff", "{", "]", "\"", "a: 'x",
        "a: \"x\n", "'\n\n", "- a\nb: c", "<<: {}\n<<: {}"})
    EXPECT_FALSE(parse_yaml(bad).ok()) << bad << " -> " << as_json(bad);
}

TEST(YamlParse, BoundsAliasesDepthAndSize) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string alias = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int j = 0; j < 9; ++j) bomb += ", " + alias;
    bomb += "]\n";
  }
  EXPECT_NE(as_json(bomb).find("expand to too much"), std::string::npos);
  EXPECT_FALSE(parse_yaml(std::string(65, '[') + std::string(65, ']')).ok());
  EXPECT_TRUE(parse_yaml(std::string(64, '[') + std::string(64, ']')).ok());
  EXPECT_FALSE(parse_yaml(std::string(1'000'000, '[')).ok());
  std::string chain = "a0: &a0 [x]\n";  // each alias nests one level deeper
  for (int i = 1; i < 80; ++i)
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  EXPECT_NE(as_json(chain).find("too deep"), std::string::npos);
  EXPECT_EQ(parse_yaml("abc", {2, 64}).error().code, Code::kPayloadTooLarge);
}

TEST(YamlDump, RoundTrips) {
  Json value = *Json::parse(
      R"({"name":"x","empty":"","list":[1,2.5,{"a":[],"b":{}},[["deep"]]],"t":"true","n":"12",
          "no":"no","multi":"a\nb: c # d","<<":"k","u":"é\u0001\"\\","nul":null,"f":false,
          "o":{"p":{"q":["r",null]}},"date":"2024-01-01","a: b":"- x","e":1e300})");
  std::string text = dump_yaml(value);
  auto again = parse_yaml(text);
  ASSERT_TRUE(again.ok()) << again.error().message << "\n" << text;
  EXPECT_EQ(again->dump(), value.dump()) << text;
  for (const char* scalar : {"[]", "{}", "null", "\"x\"", "3"})
    EXPECT_EQ(*parse_yaml(dump_yaml(*Json::parse(scalar))), *Json::parse(scalar));
  EXPECT_EQ(dump_yaml(Json::object({{"a", Json::array({1, Json::object({{"b", "c"}})})}})),
            "a:\n  - 1\n  - b: c\n");
}

}  // namespace
}  // namespace lazuli
