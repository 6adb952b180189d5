// SPDX-License-Identifier: Apache-2.0
#include "codec/xml.h"

#include <gtest/gtest.h>

namespace lazuli {
namespace {

TEST(XmlParse, ReadsABlockList) {
  auto root = parse_xml(
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- & -->\n"
      "<BlockList a=\"1 &lt; 2\">\n  <Latest>QQ==</Latest>\n <Latest>a&amp;b&#x41;&#233;</Latest>"
      "<Empty/><Blank> </Blank><Raw><![CDATA[<&x;>]]></Raw></BlockList>");
  ASSERT_TRUE(root.ok()) << root.error().message;
  EXPECT_EQ(root->name, "BlockList");
  EXPECT_EQ(root->attributes[0].second, "1 < 2");
  ASSERT_EQ(root->children.size(), 5u);
  EXPECT_EQ(root->children[1].text, "a&bA\xC3\xA9");
  EXPECT_EQ(root->child_text("Latest"), "QQ==");
  EXPECT_EQ(root->child_text("Blank"), " ");
  EXPECT_EQ(root->child_text("Raw"), "<&x;>");
  EXPECT_NE(root->child("Empty"), nullptr);
  EXPECT_EQ(root->child("Absent"), nullptr);
}

TEST(XmlParse, RefusesHostileDocuments) {
  const char* documents[] = {
      "",
      "text",
      "<a>",
      "<a></b>",
      "<a/><b/>",
      "<a>x<b/></a>",
      "<!DOCTYPE a><a/>",
      "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
      "<a>&x;</a>",
      "<a>&amp</a>",
      "<a>&#0;</a>",
      "<a>&#xD800;</a>",
      "<a>&#x110000;</a>",
      "<a>&#99999999999;</a>",
      "<a b=\"&lol;\"/>",
      "<a b=\"1\" b=\"2\"/>",
      "<a b=\"<!--\">&x; --></a>",
      "<a b='<![CDATA['>&#xFFFFFFFFF;]]></a>",
      "<a &x;/>",
      "<a>\x01</a>",
      "<a>\xff</a>",
      "<a><![CDATA[ </a>",
      "<!-- <a/>",
  };
  for (const char* document : documents) EXPECT_FALSE(parse_xml(document).ok()) << document;
  EXPECT_FALSE(parse_xml(std::string_view("<a>\0</a>", 8)).ok());
}

TEST(XmlParse, BoundsDepth) {
  std::string open, close;
  for (int i = 0; i < 32; ++i) open += "<a>", close += "</a>";
  EXPECT_TRUE(parse_xml(open + close).ok());
  EXPECT_FALSE(parse_xml("<a>" + open + close + "</a>").ok());
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) deep += "<a>";
  EXPECT_FALSE(parse_xml(deep).ok());
}

TEST(XmlDump, EscapesAndRoundTrips) {
  XmlElement root("Error");
  root.attributes.emplace_back("k", "<\"&'");
  root.add("Code", "a<b>&c\r\n\t ");
  root.add("Nested").add("Leaf", "\xE6\xBC\xA2");
  std::string text = dump_xml(root);
  EXPECT_TRUE(text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error k=\"&lt;"));
  auto again = parse_xml(text);
  ASSERT_TRUE(again.ok()) << again.error().message << text;
  EXPECT_EQ(again->attributes, root.attributes);
  EXPECT_EQ(again->child_text("Code"), "a<b>&c\r\n\t ") << text;
  EXPECT_EQ(again->child("Nested")->child_text("Leaf"), "\xE6\xBC\xA2");
}

TEST(XmlDump, ReplacesControlCharacters) {
  XmlElement root("a", std::string("x\x01\0y", 4));
  EXPECT_EQ(parse_xml(dump_xml(root))->text, "x\xEF\xBF\xBD\xEF\xBF\xBDy");
}

}  // namespace
}  // namespace lazuli
