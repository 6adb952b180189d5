// SPDX-License-Identifier: Apache-2.0
#include "codec/text.h"

#include <gtest/gtest.h>

namespace lazuli {
namespace {

TEST(TextHex, RoundTripsAndRefusesWhatIsNotHex) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(*from_hex("00FF10"), std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(from_hex("0").ok());
  EXPECT_FALSE(from_hex("0g").ok());
  EXPECT_EQ(*from_hex(""), "");
}

TEST(TextBase64, KnowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(plain), coded);
    EXPECT_EQ(*from_base64(coded), plain);
  }
  EXPECT_EQ(to_base64url("\xfb\xff\xfe?"), "-__-Pw");
  EXPECT_EQ(*from_base64url("-__-Pw"), "\xfb\xff\xfe?");
  EXPECT_EQ(*from_base64url("-__-Pw=="), "\xfb\xff\xfe?");
  EXPECT_EQ(*from_base64("Zm8"), "fo");
}

TEST(TextBase64, RefusesWhatIsNotBase64) {
  for (const char* bad : {"Z", "Zm9vY", "Zm 9v", "Zm9v\n", "====", "Z===", "Zg=a", "=Zg=", "Zm9v="})
    EXPECT_FALSE(from_base64(bad).ok()) << bad;
  EXPECT_FALSE(from_base64("-__-").ok());
  EXPECT_FALSE(from_base64url("+//+").ok());
  EXPECT_FALSE(from_base64url("Zh").ok());  // spare bits set
  EXPECT_TRUE(from_base64("Zh==").ok());
}

TEST(TextUrl, EncodesAndDecodes) {
  EXPECT_EQ(url_encode("a b/c+d~\xc3\xa9"), "a%20b%2Fc%2Bd~%C3%A9");
  EXPECT_EQ(url_encode("a b/c", true), "a%20b/c");
  EXPECT_EQ(*url_decode("a%20b%2fc+d"), "a b/c+d");
  for (const char* bad : {"%", "%2", "%zz", "a%2", "%00", "%-1"})
    EXPECT_FALSE(url_decode(bad).ok()) << bad;
}

TEST(TextForm, DistinguishesFormsFromQueries) {
  QueryItems form = *parse_form("a=1+2&b=%2B&c&&=x&a=3");
  EXPECT_EQ(form, (QueryItems{{"a", "1 2"}, {"b", "+"}, {"c", ""}, {"", "x"}, {"a", "3"}}));
  QueryItems query = *parse_query("sig=a+b%3D&comp=list");
  EXPECT_EQ(query, (QueryItems{{"sig", "a+b="}, {"comp", "list"}}));
  EXPECT_FALSE(parse_query("a=%").ok());
  EXPECT_EQ(*parse_form(dump_form(form)), form);
}

}  // namespace
}  // namespace lazuli
