// SPDX-License-Identifier: Apache-2.0
#include "http/parser.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace lazuli::http {
namespace {

// 200 if the whole request is understood, 0 if it is not complete, else the status to answer.
int outcome(std::string_view text, HeadLimits limits = {}) {
  RequestParser parser(limits);
  RequestHead head;
  parser.begin(head);
  const Progress progress = parser.read_head(text);
  if (progress.error) return progress.error->status;
  if (!progress.done) return 0;
  if (const auto error = complete_head(head, parser.is_http10())) return error->status;
  if (!head.chunked) return 200;
  std::vector<std::string_view> pieces;
  const Progress body = parser.read_chunked(text.substr(progress.consumed), pieces);
  if (body.error) return body.error->status;
  return body.done ? 200 : 0;
}

std::string with_fields(std::string_view fields, std::string_view body = {}) {
  return cat({"POST / HTTP/1.1\r\nHost: a\r\n", fields, "\r\n", body});
}

std::string chunked(std::string_view body) {
  return with_fields("Transfer-Encoding: chunked\r\n", body);
}

TEST(HttpParser, RefusesWhatTwoReadersCouldUnderstandInTwoWays) {
  struct Case {
    std::string request;
    int status;
  };
  const Case cases[] = {
      {with_fields(""), 200},
      {with_fields("Content-Length: 3\r\n", "abc"), 200},
      {chunked("3\r\nabc\r\n0\r\n\r\n"), 200},
      {with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {with_fields("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
      {with_fields("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {with_fields("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {with_fields("Content-Length: 3, 3\r\n"), 400},
      {with_fields("Content-Length: +3\r\n"), 400},
      {with_fields("Content-Length: -3\r\n"), 400},
      {with_fields("Content-Length: 0x3\r\n"), 400},
      {with_fields("Content-Length: 3 4\r\n"), 400},
      {with_fields("Content-Length:\r\n"), 400},
      {with_fields("Content-Length: 99999999999999999999\r\n"), 400},
      {with_fields("Content-Length : 3\r\n"), 400},
      {with_fields("Transfer-Encoding : chunked\r\n"), 400},
      {with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {with_fields("Transfer-Encoding: chunked, identity\r\n"), 400},
      {with_fields("Transfer-Encoding: identity\r\n"), 501},
      {with_fields("Transfer-Encoding: xchunked\r\n"), 501},
      {with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {with_fields("Transfer-Encoding: \x0b"
                   "chunked\r\n"),
       400},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {chunked("3\nabc\r\n0\r\n\r\n"), 400},
      {chunked("3\r\nabcd\r\n0\r\n\r\n"), 400},
      {chunked("-3\r\nabc\r\n"), 400},
      {chunked("0x3\r\nabc\r\n"), 400},
      {chunked(" 3\r\nabc\r\n"), 400},
      {chunked("3 \r\nabc\r\n"), 400},
      {chunked("g\r\nabc\r\n"), 400},
      {chunked("fffffffffffffffff\r\nabc\r\n"), 400},
      {chunked("\r\nabc\r\n"), 400},
      {chunked("3\r\nabc\n0\r\n\r\n"), 400},
      {with_fields("X: a\r\n b\r\n"), 400},
      {with_fields("X: a\rY: b\r\n"), 400},
      {with_fields("X: a\nY: b\r\n"), 400},
      {with_fields(std::string_view("X: a\0b\r\n", 8)), 400},
      {with_fields("X y: a\r\n"), 400},
      {with_fields(": a\r\n"), 400},
      {with_fields(" X: a\r\n"), 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 505},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 505},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
  };
  for (const Case& one : cases) EXPECT_EQ(outcome(one.request), one.status) << one.request;
}

TEST(HttpParser, DemandsOneHost) {
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET / HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(outcome("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
  EXPECT_EQ(outcome("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(outcome("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(HttpParser, BoundsTheHead) {
  const HeadLimits limits{1000, 10};
  EXPECT_EQ(outcome(with_fields(cat({"X: ", std::string(2000, 'x'), "\r\n"})), limits), 431);
  EXPECT_EQ(outcome(cat({"GET /", std::string(2000, 'x')}), limits), 431);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "X: y\r\n";
  EXPECT_EQ(outcome(with_fields(many), limits), 431);
}

TEST(HttpParser, BoundsWhatFramesAChunkedBody) {
  const HeadLimits limits{1000, 10};
  RequestParser parser(limits);
  RequestHead head;
  parser.begin(head);
  parser.read_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::vector<std::string_view> pieces;
  Progress progress = parser.read_chunked("1;", pieces);
  for (int i = 0; i < 100 && !progress.error; ++i) {
    progress = parser.read_chunked("extension=extension", pieces);
  }
  EXPECT_TRUE(progress.error.has_value());
}

TEST(HttpParser, UnderstandsAHeadInPieces) {
  const std::string text =
      "PUT /a?b=c HTTP/1.1\r\nHost: A.b:1\r\nX-Long-Name:  some value \r\n\r\n";
  RequestParser parser({});
  RequestHead head;
  parser.begin(head);
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const Progress progress = parser.read_head(text.substr(i, 1));
    ASSERT_FALSE(progress.done || progress.error) << i;
  }
  EXPECT_TRUE(parser.read_head(text.substr(text.size() - 1)).done);
  ASSERT_FALSE(complete_head(head, false));
  EXPECT_EQ(head.method, Method::kPut);
  EXPECT_EQ(head.raw_path, "/a");
  EXPECT_EQ(head.query, "b=c");
  EXPECT_EQ(head.host, "a.b");
  EXPECT_EQ(head.port, 1);
  EXPECT_EQ(head.headers.get("x-long-name"), "some value");
}

TEST(HttpParser, ReadsAuthorities) {
  EXPECT_EQ(parse_authority("A.B.")->host, "a.b");
  EXPECT_EQ(parse_authority("a:443")->port, 443);
  EXPECT_EQ(parse_authority("[::1]:8443")->host, "[::1]");
  EXPECT_EQ(parse_authority("[::1]:8443")->port, 8443);
  EXPECT_FALSE(parse_authority("[::1]")->port);
  for (const char* bad : {"", ":80", "a:0", "a:b", "[::1", "::1", "a..b/c", "[x]"}) {
    EXPECT_FALSE(parse_authority(bad)) << bad;
  }
}

TEST(HttpHeaders, CompareNamesWithoutCase) {
  Headers headers;
  headers.add("X-One", "1");
  headers.add("x-one", "2");
  headers.add("Y", "3");
  EXPECT_EQ(headers.get("X-ONE"), "1");
  EXPECT_EQ(headers.count("x-One"), 2u);
  headers.set("X-one", "4");
  EXPECT_EQ(headers.count("x-one"), 1u);
  EXPECT_EQ(headers.get("x-one"), "4");
  headers.erase("X-ONE");
  EXPECT_FALSE(headers.contains("X-One"));
  EXPECT_EQ(headers.get_or("none", "fallback"), "fallback");
}

}  // namespace
}  // namespace lazuli::http
