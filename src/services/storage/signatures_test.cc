// SPDX-License-Identifier: Apache-2.0
// The vectors come from azure-storage-blob 12.27.1 itself, with the key of bytes 0 to 63.
#include <gtest/gtest.h>

#include "services/storage/sas.h"
#include "services/storage/shared_key.h"
#include "services/storage/signature.h"

namespace lazuli::storage {
namespace {

constexpr const char* kKey =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
constexpr const char* kArmId =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acct1";

FindAccount one_account() {
  return [](const std::string& name) -> Result<std::shared_ptr<const Account>> {
    if (name != "acct1") return not_found("no such account");
    return std::make_shared<const Account>(Account{"acct1", kArmId, SecretString(kKey)});
  };
}

http::RequestHead head_of(const std::string& method, const std::string& host,
                          const std::string& target) {
  http::RequestHead head;
  head.method = http::parse_method(method);
  head.method_text = method;
  head.host = host;
  head.peer = "127.0.0.1";
  head.target = target;
  size_t mark = target.find('?');
  head.raw_path = target.substr(0, mark);
  if (mark != std::string::npos) head.query = target.substr(mark + 1);
  return head;
}

constexpr const char* kHost = "acct1.blob.core.lazuli.localhost";
constexpr const char* kBlobSas =
    "se=2030-01-02T03%3A04%3A05Z&sp=r&sip=127.0.0.1-127.0.0.9&spr=https&sv=2025-11-05&sr=b"
    "&rscd=attachment%3B%20filename%3D%22x%22&rsct=text/plain"
    "&sig=xVEWjoSbSALg0a5IZeS6OwMHNfiliSIyTUOt%2BICwcvM%3D";
constexpr const char* kContainerSas =
    "st=2020-01-01T00%3A00%3A00Z&se=2030-01-02T03%3A04%3A05Z&sp=rcwl&sv=2025-11-05&sr=c"
    "&sig=495XksQBEXbKZuuj16dQB6V9a7kdd5L85PRfCrYZ%2B1E%3D";

std::string wire_code(const Result<core::Verified>& result) {
  return result.ok() ? "ok" : result.error().wire_code;
}

TEST(StorageSharedKey, SignsAsTheSdkDoes) {
  auto head =
      head_of("PUT", kHost, "/data/dir/%C3%A4%20b.txt?comp=block&blockid=QUFBQQ%3D%3D&timeout=30");
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"x-ms-version", "2025-11-05"},
           {"x-ms-date", "Wed, 25 Nov 2026 10:00:00 GMT"},
           {"Content-Length", "5"},
           {"Content-Type", "application/octet-stream"},
           {"x-ms-client-request-id", "a-b"},
           {"If-None-Match", "*"},
           {"x-ms-meta-ab", "1"},
           {"x-ms-meta-a-b", "2"},
           {"x-ms-meta-_u", "3"},
           {"x-ms-meta-a1", "4"}})
    head.headers.add(name, value);
  auto texts = shared_key_texts(head, "acct1");
  ASSERT_EQ(texts.size(), 2u);  // the two orders of headers differ here
  EXPECT_EQ(*sign(SecretString(kKey), texts[1]), "iJnVbnEMc0/l7ksOL8kRPlVeQNsSsQevO6zuxYevYy4=");
}

TEST(StorageSharedKey, RepeatsTheAccountInPathStyle) {
  auto head = head_of("GET", "127.0.0.1",
                      "/acct1/data?restype=container&comp=list&prefix=a%2Fb&include=metadata");
  head.headers.add("x-ms-version", "2025-11-05");
  head.headers.add("x-ms-date", "Wed, 25 Nov 2026 10:00:00 GMT");
  head.headers.add("Content-Length", "0");
  auto texts = shared_key_texts(head, "acct1");
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(*sign(SecretString(kKey), texts[0]), "ruBf44IiirX3CFA/F9nevpU+ecj6+BU/g8dCg6PgrCo=");
}

TEST(StorageSharedKey, VerifiesWhatItSigned) {
  SharedKeyAuthenticator authenticator(one_account());
  auto head = head_of("GET", kHost, "/data/b?comp=metadata");
  head.headers.add("x-ms-date", format_http_date(now()));
  EXPECT_FALSE(authenticator.present(head));
  auto with = [&](const std::string& authorization) {
    auto copy = head;
    copy.headers.set("Authorization", authorization);
    return copy;
  };
  std::string full = *sign(SecretString(kKey), shared_key_texts(head, "acct1")[0]);
  std::string lite = *sign(SecretString(kKey), shared_key_lite_texts(head, "acct1")[0]);
  auto verified = authenticator.verify(with("SharedKey acct1:" + full), {});
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  ASSERT_TRUE(verified->grants.has_value());
  EXPECT_EQ(verified->grants->at(0).scope, kArmId);
  EXPECT_TRUE(authenticator.verify(with("SharedKeyLite acct1:" + lite), {}).ok());

  for (const std::string& bad : {"SharedKey acct1:" + lite, "SharedKey acct2:" + full,
                                 std::string("SharedKey acct1:"), "SharedKeyLite acct1:" + full}) {
    EXPECT_EQ(wire_code(authenticator.verify(with(bad), {})), "AuthenticationFailed") << bad;
  }
  EXPECT_EQ(wire_code(authenticator.verify(with("SharedKey " + full), {})),
            "InvalidAuthenticationInfo");
}

TEST(StorageSharedKey, RefusesOldRequests) {
  SharedKeyAuthenticator authenticator(one_account());
  auto head = head_of("GET", kHost, "/data/b");
  head.headers.add("x-ms-date", format_http_date(now() - std::chrono::minutes(16)));
  std::string signature = *sign(SecretString(kKey), shared_key_texts(head, "acct1")[0]);
  head.headers.add("Authorization", "SharedKey acct1:" + signature);
  EXPECT_EQ(wire_code(authenticator.verify(head, {})), "AuthenticationFailed");
}

TEST(StorageSas, AcceptsTheSdksContainerSas) {
  SasAuthenticator authenticator(one_account());
  auto head =
      head_of("GET", kHost, std::string("/data?restype=container&comp=list&") + kContainerSas);
  ASSERT_TRUE(authenticator.present(head));
  auto verified = authenticator.verify(head, {});
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_EQ(verified->grants->at(0).scope,
            std::string(kArmId) + "/blobServices/default/containers/data");
  EXPECT_EQ(verified->grants->at(0).operations.size(), 2u);  // read and write, no delete
  EXPECT_EQ(format_iso8601_seconds(verified->expires), "2030-01-02T03:04:05Z");
  EXPECT_EQ(wire_code(authenticator.verify(
                head_of("GET", kHost, std::string("/other/b?") + kContainerSas), {})),
            "AuthenticationFailed");
}

TEST(StorageSas, BindsABlobSasToItsBlob) {
  SasAuthenticator authenticator(one_account());
  auto verify = [&](const std::string& path) {
    return wire_code(authenticator.verify(head_of("GET", kHost, path + "?" + kBlobSas), {}));
  };
  EXPECT_EQ(verify("/data/dir/%C3%A4%20b.txt"), "ok");
  EXPECT_EQ(verify("/data/dir/other.txt"), "AuthenticationFailed");
  EXPECT_EQ(verify("/data"), "AuthenticationFailed");
}

TEST(StorageSas, ChecksAddressAndProtocol) {
  SasAuthenticator authenticator(one_account());
  auto head = head_of("GET", kHost, std::string("/data/dir/%C3%A4%20b.txt?") + kBlobSas);
  head.peer = "10.0.0.1";
  EXPECT_EQ(wire_code(authenticator.verify(head, {})), "AuthorizationSourceIPMismatch");
  head.peer = "127.0.0.9";
  head.tls = false;
  EXPECT_EQ(wire_code(authenticator.verify(head, {})), "AuthorizationProtocolMismatch");
}

TEST(StorageSas, OwnSasVerifies) {
  Account account{"acct1", kArmId, SecretString(kKey)};
  SasAuthenticator authenticator(one_account());
  auto query =
      make_service_sas(account, {"acct1", "data", "a/b c.txt"}, {"wr", Duration(60000000)});
  ASSERT_TRUE(query.ok());
  EXPECT_NE(query->find("sp=rw"), std::string::npos);
  EXPECT_EQ(
      wire_code(authenticator.verify(head_of("GET", kHost, "/data/a/b%20c.txt?" + *query), {})),
      "ok");
  auto expired = make_service_sas(account, {"acct1", "data", ""}, {"r", Duration(-1000000)});
  EXPECT_EQ(wire_code(authenticator.verify(head_of("GET", kHost, "/data/x?" + *expired), {})),
            "AuthenticationFailed");
  EXPECT_FALSE(make_service_sas(account, {"acct1", "data", ""}, {"rz", Duration(1)}).ok());
  EXPECT_FALSE(make_service_sas(account, {"acct1", "data", ""}, {"rr", Duration(1)}).ok());
}

TEST(StorageSas, NamesWhatIsNotHere) {
  SasAuthenticator authenticator(one_account());
  for (const char* query : {"sv=2025-11-05&ss=b&srt=sco&sp=r&se=2030-01-01&sig=x",
                            "sv=2025-11-05&sr=c&skoid=1&saoid=2&sp=r&se=2030-01-01&sig=x",
                            "sv=2025-11-05&sr=d&sdd=1&sp=r&se=2030-01-01&sig=x"})
    EXPECT_EQ(
        wire_code(authenticator.verify(head_of("GET", kHost, std::string("/data/x?") + query), {})),
        "NotImplemented");
  EXPECT_EQ(wire_code(authenticator.verify(head_of("GET", kHost, "/data/x?sig=x"), {})),
            "AuthenticationFailed");
}

// The number of lines of the signed text is a matter of the version.
TEST(StorageSas, SignsByVersion) {
  auto lines = [](const char* version) {
    std::string text = service_sas_text({{"sv", version}, {"sr", "c"}}, "/blob/a/c");
    return std::count(text.begin(), text.end(), '\n') + 1;
  };
  EXPECT_EQ(lines("2015-04-05"), 13);
  EXPECT_EQ(lines("2018-11-09"), 15);
  EXPECT_EQ(lines("2020-12-06"), 16);
  EXPECT_EQ(lines("2026-10-06"), 16);
}

}  // namespace
}  // namespace lazuli::storage
