// SPDX-License-Identifier: Apache-2.0
#include "core/s3.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "base/ids.h"
#include "base/strings.h"
#include "bytes/remote_store.h"
#include "bytes/testing.h"
#include "crypto/random.h"

namespace lazuli::core {
namespace {

using bytes::ObjectService;

// A service that gives the answers it was told to, one connection after the other.
class ScriptedService {
 public:
  explicit ScriptedService(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_, 16) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedService() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::shared_ptr<ObjectService> open() const {
    S3Options options;
    options.endpoint = cat({"http://127.0.0.1:", std::to_string(port_)});
    options.bucket = "b";
    options.access_key = "key";
    options.secret_key = SecretString("secret");
    options.attempts_max = 4;
    options.first_pause = std::chrono::milliseconds(1);
    return open_s3(std::move(options)).value();
  }
  const std::vector<std::string>& requests() const { return requests_; }

  static std::string answer(int status, const std::string& body = {},
                            const std::string& headers = {}) {
    return cat({"HTTP/1.1 ", std::to_string(status), " X\r\nContent-Length: ",
                std::to_string(body.size()), "\r\nConnection: close\r\n", headers, "\r\n", body});
  }

 private:
  void serve() {
    for (const std::string& answer : answers_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      requests_.push_back(read_request(connection));
      (void)!::write(connection, answer.data(), answer.size());
      ::close(connection);
    }
  }
  static std::string read_request(int connection) {
    std::string text;
    char piece[4096];
    size_t wanted = SIZE_MAX;
    while (text.size() < wanted) {
      const ssize_t count = ::read(connection, piece, sizeof piece);
      if (count <= 0) break;
      text.append(piece, static_cast<size_t>(count));
      const size_t end = text.find("\r\n\r\n");
      if (end == text.npos) continue;
      const size_t length = to_lower(text).find("content-length: ");
      wanted = end + 4;
      if (length < end) wanted += static_cast<size_t>(std::atoi(text.c_str() + length + 16));
    }
    return text;
  }

  const std::vector<std::string> answers_;
  std::vector<std::string> requests_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

constexpr auto kAnswer = &ScriptedService::answer;

// The example of Amazon's documentation ("GET Object", Signature Calculations in the Authorization
// header).
TEST(S3, SignsAsDocumented) {
  const SecretString secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  http::ClientRequest request;
  request.headers.set("Range", "bytes=0-9");
  sign_s3(request, "examplebucket.s3.amazonaws.com", "/test.txt",
          {"AKIAIOSFODNN7EXAMPLE", "us-east-1", &secret, *parse_iso8601("2013-05-24T00:00:00Z")});
  EXPECT_EQ(request.headers.get_or("authorization", ""),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3, TriesAgainWhatMayPass) {
  ScriptedService service({kAnswer(503, {}, {}), kAnswer(500, {}, {}), kAnswer(200, {}, {})});
  EXPECT_TRUE(service.open()->put("some/key", "content", ObjectService::If::kAbsent).ok());
  ASSERT_EQ(service.requests().size(), 3u);
  for (const std::string& request : service.requests()) {
    EXPECT_TRUE(request.starts_with("PUT /b/some/key HTTP/1.1\r\n")) << request;
    EXPECT_NE(to_lower(request).find("if-none-match: *"), request.npos);
    EXPECT_TRUE(request.ends_with("\r\n\r\ncontent"));
  }
}

TEST(S3, GivesUpInTheEndAndAtOnceOnARefusal) {
  {
    ScriptedService service(std::vector<std::string>(4, kAnswer(503, {}, {})));
    EXPECT_EQ(service.open()->remove("k").error().code, Code::kUnavailable);
    EXPECT_EQ(service.requests().size(), 4u);
  }
  ScriptedService service({kAnswer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", {})});
  const Error error = service.open()->remove("k").error();
  EXPECT_EQ(error.code, Code::kInternal);
  EXPECT_NE(error.message.find("SignatureDoesNotMatch"), std::string::npos);
  EXPECT_EQ(error.message.find("secret"), std::string::npos);
}

TEST(S3, ReadsRangesAndPages) {
  ScriptedService service(
      {kAnswer(206, "cde", "Content-Range: bytes 2-4/10\r\n"), kAnswer(404, {}, {}),
       kAnswer(200,
               "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>p/a b</Key>"
               "</Contents><NextContinuationToken>t/1</NextContinuationToken></ListBucketResult>",
               {}),
       kAnswer(200, "<ListBucketResult><Contents><Key>p/c</Key></Contents></ListBucketResult>",
               {})});
  auto s3 = service.open();
  const auto part = s3->get("k", 2, 3).value();
  EXPECT_EQ(part.content, "cde");
  EXPECT_EQ(part.total, 10u);
  EXPECT_EQ(s3->get("k", 2, 3).error().code, Code::kNotFound);
  std::vector<std::string> keys;
  ASSERT_TRUE(s3->list("p/", [&](const std::string& key) -> Result<void> {
                  keys.push_back(key);
                  return {};
                }).ok());
  EXPECT_EQ(keys, (std::vector<std::string>{"p/a b", "p/c"}));
  EXPECT_NE(service.requests()[0].find("bytes=2-4"), std::string::npos);
  EXPECT_NE(service.requests()[3].find("?continuation-token=t%2F1&list-type=2&prefix=p%2F"),
            std::string::npos);
}

TEST(S3, AListThatGoesInCirclesEnds) {
  const std::string page = kAnswer(200,
                                   "<ListBucketResult><IsTruncated>true</IsTruncated>"
                                   "<NextContinuationToken>t</NextContinuationToken>"
                                   "</ListBucketResult>",
                                   {});
  ScriptedService service({page, page});
  auto visit = [](const std::string&) -> Result<void> { return {}; };
  EXPECT_EQ(service.open()->list("p/", visit).error().wire_code, "ObjectServiceRefused");
}

TEST(S3, ACompletionCanFailAfterItsStatus) {
  ScriptedService service({kAnswer(200,
                                   "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                                   "</InitiateMultipartUploadResult>",
                                   {}),
                           kAnswer(200, {}, "ETag: \"e\"\r\n"),
                           kAnswer(200, "<Error><Code>InternalError</Code></Error>", {})});
  auto s3 = service.open();
  const std::string upload = s3->begin_upload("k").value();
  const std::string tag = s3->put_part("k", upload, 1, "x").value();
  EXPECT_EQ(tag, "\"e\"");
  EXPECT_FALSE(s3->complete_upload("k", upload, {tag}).ok());
}

TEST(S3, NeedsItsSettings) {
  EXPECT_FALSE(open_s3({}).ok());
  S3Options options;
  options.endpoint = "http://127.0.0.1:1";
  EXPECT_FALSE(open_s3(std::move(options)).ok());
}

// A real service, which ./test starts: LAZULI_TEST_S3 is "ENDPOINT BUCKET ACCESS_KEY SECRET_KEY".
class S3Real : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* text = std::getenv("LAZULI_TEST_S3");
    if (text == nullptr) GTEST_SKIP() << "./test unit starts the object service";
    settings_ = text;
  }
  std::shared_ptr<ObjectService> open(std::string_view secret_key = {}) {
    const std::vector<std::string_view> words = split(settings_, ' ');
    CHECK(words.size() == 4);
    S3Options options;
    options.endpoint = words[0];
    options.bucket = words[1];
    options.access_key = words[2];
    options.secret_key = SecretString(secret_key.empty() ? words[3] : secret_key);
    return open_s3(std::move(options)).value();
  }

 private:
  std::string settings_;
};

TEST_F(S3Real, CarriesAStore) {
  auto service = open();
  const SecretBytes key = crypto::random_secret(32);
  bytes::RemoteOptions options;
  options.prefix = cat({"test-", random_name(8), "/"});
  options.part_size = 5u << 20;
  bytes::expect_a_store([&] { return bytes::open_remote(service, key.clone(), options).value(); });
}

TEST_F(S3Real, TakesLargeObjectsInParts) {
  auto service = open();
  bytes::RemoteOptions options;
  options.prefix = cat({"test-", random_name(8), "/"});
  options.part_size = 5u << 20;
  auto store = bytes::open_remote(service, crypto::random_secret(32), options).value();
  std::string content(23'000'000, '\0');
  for (size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<char>((i * 2654435761u) >> 13);
  const auto info = store->put(content);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_TRUE(store->get(info->id, 1u << 26).value_or("") == content);
  EXPECT_TRUE(service->list_uploads(options.prefix)->empty());
  {
    auto writer = store->create().value();
    ASSERT_TRUE(writer->append(std::as_bytes(std::span(content))).ok());
    EXPECT_EQ(service->list_uploads(options.prefix)->size(), 1u);
  }
  EXPECT_TRUE(service->list_uploads(options.prefix)->empty());
  EXPECT_TRUE(store->remove(info->id).ok());
}

TEST_F(S3Real, PutsOnConditionAndRefusesAWrongKey) {
  auto service = open();
  const std::string key = cat({"test-", random_name(8), "/a key with spaces + signs"});
  EXPECT_TRUE(service->put(key, "one", ObjectService::If::kAbsent).ok());
  EXPECT_EQ(service->put(key, "two", ObjectService::If::kAbsent).error().code, Code::kConflict);
  EXPECT_EQ(service->get(key, 0, 100)->content, "one");
  EXPECT_FALSE(open("not the key")->get(key, 0, 100).ok());
  EXPECT_TRUE(service->put(key, "", ObjectService::If::kAlways).ok());
  EXPECT_EQ(service->get(key, 0, 100)->total, 0u);
  EXPECT_TRUE(service->remove(key).ok());
  EXPECT_TRUE(service->remove(key).ok());
  EXPECT_EQ(service->get(key, 0, 100).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace lazuli::core
