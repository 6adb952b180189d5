// SPDX-License-Identifier: Apache-2.0
// The wire form of the operations, one request at a time.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "core/testing.h"
#include "crypto/digest.h"
#include "services/storage/service.h"

namespace lazuli::storage {
namespace {

using core::testing::text_of;
using http::Method;
using Fields = std::vector<std::pair<std::string, std::string>>;

class StorageProtocolTest : public testing::Test {
 protected:
  StorageProtocolTest() {
    EXPECT_TRUE(service.ensure_account("acct", "/subscriptions/s").ok());
    EXPECT_TRUE(service.ensure_container("acct", "data").ok());
  }
  http::Response call(Method method, const std::string& target, Fields headers = {},
                      std::string body = {}) {
    headers.emplace_back("x-ms-version", "2025-11-05");
    core::testing::Call request{method,          core::Host::kBlob,  target,
                                std::move(body), std::move(headers), {{"account", "acct"}},
                                caller};
    return house.call(request);
  }
  http::Response put(const std::string& name, const std::string& content, Fields headers = {}) {
    headers.emplace_back("x-ms-blob-type", "BlockBlob");
    return call(Method::kPut, "/data/" + name, std::move(headers), content);
  }
  // As a SAS with these permissions that has been verified.
  http::Response with_sas(const std::string& sp, Method method, const std::string& target,
                          const std::string& body = {}) {
    caller.kind = core::CredentialKind::kSas;
    const std::string separator = target.find('?') == std::string::npos ? "?" : "&";
    auto response =
        call(method, cat({target, separator, "sp=", sp}), {{"x-ms-blob-type", "BlockBlob"}}, body);
    caller.kind = core::CredentialKind::kBearer;
    return response;
  }
  static std::string header(const http::Response& response, std::string_view name) {
    return std::string(response.headers.get_or(name, ""));
  }
  static std::string code(const http::Response& response) {
    return std::to_string(response.status) + " " + header(response, "x-ms-error-code");
  }

  core::Verified caller{.object_id = "caller", .name = "caller"};
  StorageService service;
  core::testing::TestHouse house{db::testing::Driver::kSqlite, {&service}};
};

TEST_F(StorageProtocolTest, PutAndGet) {
  auto made =
      put("a%20b.txt", "hello", {{"x-ms-meta-Owner", "me"}, {"Content-Type", "text/plain"}});
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(header(made, "Content-MD5"), to_base64(crypto::md5("hello")));
  EXPECT_EQ(header(made, "x-ms-request-server-encrypted"), "true");
  auto got = call(Method::kGet, "/data/a%20b.txt");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(text_of(got), "hello");
  EXPECT_EQ(header(got, "ETag"), header(made, "ETag"));
  EXPECT_TRUE(header(got, "ETag").starts_with("\"0x8D"));
  EXPECT_EQ(header(got, "x-ms-meta-Owner"), "me");
  EXPECT_EQ(header(got, "Content-Type"), "text/plain");
  EXPECT_EQ(header(got, "x-ms-blob-type"), "BlockBlob");
  auto head = call(Method::kHead, "/data/a%20b.txt");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(header(head, "Content-Length"), "5");
  EXPECT_EQ(code(call(Method::kHead, "/data/none")), "404 BlobNotFound");
  EXPECT_EQ(code(call(Method::kGet, "/none/a")), "404 ContainerNotFound");
}

TEST_F(StorageProtocolTest, Ranges) {
  put("a", "0123456789");
  put("empty", "");
  auto get = [&](const std::string& name, const std::string& range) {
    auto response = call(Method::kGet, "/data/" + name, {{"x-ms-range", range}, {"Range", "x"}});
    return response.status == 206 ? cat({text_of(response), " ", header(response, "Content-Range")})
                                  : code(response);
  };
  EXPECT_EQ(get("a", "bytes=2-4"), "234 bytes 2-4/10");
  EXPECT_EQ(get("a", "bytes=7-"), "789 bytes 7-9/10");
  EXPECT_EQ(get("a", "bytes=0-33554431"), "0123456789 bytes 0-9/10");
  EXPECT_EQ(get("a", "bytes=10-12"), "416 InvalidRange");
  EXPECT_EQ(get("empty", "bytes=0-33554431"), "416 InvalidRange");
  EXPECT_EQ(call(Method::kGet, "/data/empty").status, 200);
  auto hashed = call(Method::kGet, "/data/a",
                     {{"x-ms-range", "bytes=1-2"}, {"x-ms-range-get-content-md5", "true"}});
  EXPECT_EQ(header(hashed, "Content-MD5"), to_base64(crypto::md5("12")));
  EXPECT_EQ(header(hashed, "x-ms-blob-content-md5"), to_base64(crypto::md5("0123456789")));
}

TEST_F(StorageProtocolTest, HashesAndHeadersAreChecked) {
  const std::string wrong = to_base64(crypto::md5("other"));
  EXPECT_EQ(code(put("a", "x", {{"Content-MD5", wrong}})), "400 Md5Mismatch");
  EXPECT_EQ(code(put("a", "x", {{"x-ms-blob-content-md5", wrong}})), "400 Md5Mismatch");
  EXPECT_EQ(code(put("a", "x", {{"Content-MD5", "short"}})), "400 InvalidMd5");
  EXPECT_EQ(code(call(Method::kHead, "/data/a")), "404 BlobNotFound");
  EXPECT_EQ(code(call(Method::kPut, "/data/a", {}, "x")), "400 MissingRequiredHeader");
  EXPECT_EQ(code(call(Method::kPut, "/data/a", {{"x-ms-blob-type", "Other"}}, "x")),
            "400 InvalidHeaderValue");
  EXPECT_EQ(code(put("a/../b", "x")), "400 InvalidResourceName");
  EXPECT_EQ(code(put("a/%2e%2e/b", "x")), "400 InvalidResourceName");
  EXPECT_EQ(code(put("a?comp=unknown", "x")), "400 InvalidQueryParameterValue");
  EXPECT_EQ(code(put("a", "x", {{"x-ms-meta-bad-name", "1"}})), "400 InvalidMetadata");
}

TEST_F(StorageProtocolTest, KnownFeaturesThatAreNotHereSaySo) {
  EXPECT_EQ(code(call(Method::kPut, "/data/a", {{"x-ms-blob-type", "AppendBlob"}})),
            "501 NotImplemented");
  EXPECT_EQ(code(put("a", "", {{"x-ms-copy-source", "https://x"}})), "501 NotImplemented");
  EXPECT_EQ(code(put("a", "", {{"x-ms-encryption-key", "x"}})), "501 NotImplemented");
  EXPECT_EQ(code(call(Method::kPut, "/data/a?comp=lease")), "501 NotImplemented");
  EXPECT_EQ(code(call(Method::kGet, "/data/a?snapshot=x")), "501 NotImplemented");
}

TEST_F(StorageProtocolTest, Conditions) {
  auto first = put("a", "1");
  EXPECT_EQ(code(put("a", "2", {{"If-None-Match", "*"}})), "409 BlobAlreadyExists");
  auto second = put("a", "2", {{"If-Match", header(first, "ETag")}});
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(code(put("a", "3", {{"If-Match", header(first, "ETag")}})), "412 ConditionNotMet");
  EXPECT_EQ(code(call(Method::kGet, "/data/a", {{"If-None-Match", header(second, "ETag")}})),
            "304 ConditionNotMet");
  EXPECT_EQ(code(call(Method::kDelete, "/data/a", {{"If-Match", header(first, "ETag")}})),
            "412 ConditionNotMet");
  EXPECT_EQ(call(Method::kDelete, "/data/a", {{"If-Match", "*"}}).status, 202);
}

TEST_F(StorageProtocolTest, Blocks) {
  auto stage = [&](const std::string& id, const std::string& text) {
    return code(call(Method::kPut, "/data/big?comp=block&blockid=" + url_encode(id), {}, text));
  };
  EXPECT_EQ(stage("QUFB", "one "), "201 ");
  EXPECT_EQ(stage("QkJC", "two"), "201 ");
  EXPECT_EQ(stage("not base64!", "x"), "400 InvalidQueryParameterValue");
  EXPECT_EQ(stage("Q0ND", ""), "400 InvalidHeaderValue");
  auto commit = call(Method::kPut, "/data/big?comp=blocklist",
                     {{"x-ms-blob-content-type", "text/csv"}, {"x-ms-meta-k", "v"}},
                     "<BlockList><Latest>QUFB</Latest><Latest>QkJC</Latest></BlockList>");
  EXPECT_EQ(commit.status, 201);
  auto got = call(Method::kGet, "/data/big");
  EXPECT_EQ(text_of(got), "one two");
  EXPECT_EQ(header(got, "Content-Type"), "text/csv");
  EXPECT_EQ(header(got, "x-ms-meta-k"), "v");
  EXPECT_EQ(header(got, "Content-MD5"), "");
  auto lists = parse_xml(call(Method::kGet, "/data/big?comp=blocklist&blocklisttype=all").text());
  ASSERT_TRUE(lists.ok());
  EXPECT_EQ(lists->child("CommittedBlocks")->children.size(), 2u);
  EXPECT_TRUE(lists->child("UncommittedBlocks")->children.empty());
  EXPECT_EQ(code(call(Method::kPut, "/data/big?comp=blocklist", {}, "<x")),
            "400 InvalidXmlDocument");
}

TEST_F(StorageProtocolTest, Lists) {
  for (const char* name : {"dir/1", "dir/2", "%C3%A4", "z%01"})
    put(name, "x", {{"x-ms-meta-k", "v"}});
  auto list = parse_xml(
      call(Method::kGet, "/data?restype=container&comp=list&include=metadata&maxresults=2").text());
  ASSERT_TRUE(list.ok());
  const XmlElement* blobs = list->child("Blobs");
  ASSERT_EQ(blobs->children.size(), 2u);
  const XmlElement& first = blobs->children[0];
  EXPECT_EQ(first.child_text("Name"), "dir/1");
  EXPECT_EQ(first.child("Metadata")->child_text("k"), "v");
  EXPECT_EQ(first.child("Properties")->child_text("Content-Length"), "1");
  EXPECT_TRUE(first.child("Properties")->child_text("Etag").starts_with("0x8D"));
  const std::string marker(list->child_text("NextMarker"));
  auto rest = parse_xml(
      call(Method::kGet, "/data?restype=container&comp=list&marker=" + url_encode(marker)).text());
  ASSERT_EQ(rest->child("Blobs")->children.size(), 2u);
  EXPECT_EQ(rest->child("Blobs")->children[0].child_text("Name"), "z%01");
  EXPECT_EQ(rest->child("Blobs")->children[1].child_text("Name"), "\xC3\xA4");
  auto grouped =
      parse_xml(call(Method::kGet, "/data?restype=container&comp=list&delimiter=%2F").text());
  EXPECT_EQ(grouped->child("Blobs")->child("BlobPrefix")->child_text("Name"), "dir/");
  auto containers = parse_xml(call(Method::kGet, "/?comp=list").text());
  EXPECT_EQ(containers->child("Containers")->children[0].child_text("Name"), "data");
  EXPECT_EQ(code(call(Method::kGet, "/data?restype=container&comp=list&maxresults=0")),
            "400 OutOfRangeQueryParameterValue");
  EXPECT_EQ(code(call(Method::kGet, "/data?restype=container&comp=list&include=nonsense")),
            "400 InvalidQueryParameterValue");
}

TEST_F(StorageProtocolTest, AccountInformation) {
  for (const char* at : {"/", "/data", "/data/a"}) {
    auto answer = call(Method::kGet, std::string(at) + "?restype=account&comp=properties");
    EXPECT_EQ(answer.status, 200) << at;
    EXPECT_EQ(header(answer, "x-ms-account-kind"), "StorageV2");
  }
}

TEST_F(StorageProtocolTest, SasLettersAreFinerThanOperations) {
  put("a", "x");
  EXPECT_EQ(with_sas("l", Method::kGet, "/data?restype=container&comp=list").status, 200);
  EXPECT_EQ(code(with_sas("r", Method::kGet, "/data?restype=container&comp=list")),
            "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(code(with_sas("l", Method::kGet, "/data/a")), "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(with_sas("r", Method::kGet, "/data/a").status, 200);
  EXPECT_EQ(code(with_sas("c", Method::kPut, "/data/a", "y")),
            "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(with_sas("c", Method::kPut, "/data/new", "y").status, 201);
  EXPECT_EQ(with_sas("w", Method::kPut, "/data/a", "y").status, 201);
  EXPECT_EQ(code(with_sas("w", Method::kDelete, "/data/a")), "403 AuthorizationPermissionMismatch");
  auto other = with_sas("r", Method::kGet, "/data/a?rsct=text%2Fhtml&rscd=attachment");
  EXPECT_EQ(header(other, "Content-Type") + header(other, "Content-Disposition"),
            "text/htmlattachment");
}

TEST_F(StorageProtocolTest, ForOtherServices) {
  ASSERT_TRUE(service.put({"acct", "data", "x/1"}, "one", "text/plain").ok());
  ASSERT_TRUE(service.append({"acct", "data", "x/log"}, "line\n").ok());
  EXPECT_EQ(service.append({"acct", "data", "x/log"}, "line\n")->size, 10u);
  std::string names;
  ASSERT_TRUE(service
                  .list("acct", "data", "x/",
                        [&](const BlobInfo& info) -> Result<void> {
                          names += info.name + " ";
                          return {};
                        })
                  .ok());
  EXPECT_EQ(names, "x/1 x/log ");
  EXPECT_EQ(service.get_info({"acct", "data", "x/1"})->content_type, "text/plain");
  EXPECT_EQ((*service.open({"acct", "data", "x/log"}))->size(), 10u);
  EXPECT_FALSE(service.put_file({"acct", "data", "f"}, "/etc").ok());
  EXPECT_TRUE(service.put_file({"acct", "data", "f"}, "/proc/self/status").ok());
  EXPECT_EQ(service.put({"acct", "data", "../x"}, "", "").error().wire_code, "InvalidResourceName");
  EXPECT_EQ(service.account_key("none").error().code, Code::kNotFound);
  EXPECT_EQ(from_base64(service.account_key("acct")->expose())->size(), 64u);
  house.restart();
  EXPECT_EQ(service.get_info({"acct", "data", "x/log"})->size, 10u);
}

}  // namespace
}  // namespace lazuli::storage
