// SPDX-License-Identifier: Apache-2.0
// The vectors come from azure-storage-blob 12.27.1 itself, with a key derived as below.
#include "services/storage/delegation.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "core/testing.h"
#include "services/storage/sas.h"
#include "services/storage/service.h"
#include "services/storage/signature.h"

namespace lazuli::storage {
namespace {

constexpr const char* kArmId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/a";
constexpr const char* kHost = "acct1.blob.core.lazuli.localhost";

Account account_of_test() {
  std::string secret;
  for (char c = 0; c < 32; ++c) secret += c;
  return {"acct1", kArmId, new_account_key(), SecretBytes(std::as_bytes(std::span(secret)))};
}

FindAccount one_account() {
  return [](const std::string&) {
    return Result<std::shared_ptr<const Account>>(
        std::make_shared<const Account>(account_of_test()));
  };
}

DelegationTerms terms_of_vector() {
  return {"11111111-2222-3333-4444-555555555555",
          "66666666-7777-8888-9999-000000000000",
          "2026-11-25T00:00:00Z",
          "2026-12-01T00:00:00Z",
          "b",
          "2026-02-06"};
}

TEST(StorageDelegation, SignsAsTheSdkDoes) {
  const DelegationTerms terms = terms_of_vector();
  const SecretString key = delegation_key(account_of_test(), terms);
  EXPECT_EQ(key.expose(), "sG2v73PBT/UgFf2LNU2pTGhPZMn/Sq5opU5DzkbXwmA=");
  SasFields fields{{"se", "2026-11-30T03:04:05Z"},
                   {"sp", "r"},
                   {"sv", "2025-11-05"},
                   {"sr", "b"},
                   {"scid", "99999999-0000-0000-0000-000000000000"},
                   {"skoid", terms.object_id},
                   {"sktid", terms.tenant_id},
                   {"skt", terms.start},
                   {"ske", terms.expiry},
                   {"sks", terms.service},
                   {"skv", terms.version}};
  EXPECT_EQ(*sign(key, service_sas_text(fields, "/blob/acct1/data/a/b.txt")),
            "52Es5YggDfZWZOpdJNP0GM+eohMUIyn9liIPdmT2i/U=");
  fields.erase("scid");
  fields["sp"] = "rl";
  fields["se"] = "2027-11-30T03:04:05Z";
  fields["sr"] = "c";
  EXPECT_EQ(*sign(key, service_sas_text(fields, "/blob/acct1/data")),
            "vPfpfKFKY73NlFZ2YB6sErTLRnAPjujsMK53a3gdQQI=");
}

// A container's SAS of one week's key, with fields of the test's own.
std::string query_of(SasFields fields, const DelegationTerms& terms) {
  fields.insert({{"sv", "2025-11-05"},
                 {"sr", "c"},
                 {"sp", "rl"},
                 {"skoid", terms.object_id},
                 {"sktid", terms.tenant_id},
                 {"skt", terms.start},
                 {"ske", terms.expiry},
                 {"sks", terms.service},
                 {"skv", terms.version}});
  const SecretString key = delegation_key(account_of_test(), terms);
  std::string query = "sig=" + url_encode(*sign(key, service_sas_text(fields, "/blob/acct1/data")));
  for (const auto& [name, value] : fields) query += cat({"&", name, "=", url_encode(value)});
  return query;
}

std::string hours_from_now(int hours) {
  return format_iso8601_seconds(now() + std::chrono::hours(hours));
}

DelegationTerms terms_between(int from_hours, int until_hours) {
  DelegationTerms terms = terms_of_vector();
  terms.start = hours_from_now(from_hours);
  terms.expiry = hours_from_now(until_hours);
  return terms;
}

Result<core::Verified> verify(const std::string& query) {
  SasAuthenticator authenticator(one_account());
  http::RequestHead head;
  head.host = kHost;
  head.peer = "127.0.0.1";
  head.raw_path = "/data/b";
  head.query = query;
  return authenticator.verify(head, {});
}

TEST(StorageDelegation, ASasCarriesItsOwnersIdentity) {
  const auto verified = verify(query_of({{"se", hours_from_now(1)}}, terms_between(-1, 2)));
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_EQ(verified->object_id, terms_of_vector().object_id);
  EXPECT_EQ(verified->tenant_id, terms_of_vector().tenant_id);
  ASSERT_TRUE(verified->grants.has_value()) << "its letters narrow what the owner may do";
  EXPECT_EQ(verified->grants->at(0).operations.size(), 1u);
}

TEST(StorageDelegation, ASasNeverOutlivesItsKey) {
  const DelegationTerms terms = terms_between(-1, 2);
  const auto verified = verify(query_of({{"se", hours_from_now(100)}}, terms));
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(format_iso8601_seconds(verified->expires), terms.expiry);
  for (const DelegationTerms& bad :
       {terms_between(-3, -1), terms_between(1, 2), terms_between(-100, 100)}) {
    const auto refused = verify(query_of({{"se", hours_from_now(3)}}, bad));
    ASSERT_FALSE(refused.ok()) << bad.start << bad.expiry;
    EXPECT_EQ(refused.error().wire_code, "AuthenticationFailed");
  }
}

TEST(StorageDelegation, ChangedTermsAreAnotherKey) {
  const DelegationTerms terms = terms_between(-1, 2);
  const std::string good = query_of({{"se", hours_from_now(1)}}, terms);
  ASSERT_TRUE(verify(good).ok());
  EXPECT_FALSE(verify(replace_all(good, "11111111-", "22222222-")).ok());
  EXPECT_FALSE(verify(replace_all(good, "66666666-", "22222222-")).ok());
  EXPECT_FALSE(
      verify(replace_all(good, url_encode(terms.expiry), url_encode(hours_from_now(5)))).ok());
  EXPECT_FALSE(verify(replace_all(good, "sp=rl", "sp=racwdl")).ok());
  EXPECT_FALSE(verify(replace_all(good, "sks=b", "sks=q")).ok());
}

class StorageDelegationKey : public ::testing::Test {
 protected:
  StorageDelegationKey() : house_(db::testing::Driver::kSqlite, {&service_}) {
    EXPECT_TRUE(service_.ensure_account("acct1", kArmId).ok());
  }
  http::Response ask(const std::string& body,
                     core::Verified caller = {.tenant_id = "tenant", .object_id = "somebody"}) {
    core::testing::Call call;
    call.method = http::Method::kPost;
    call.host = core::Host::kBlob;
    call.target = "/?restype=service&comp=userdelegationkey";
    call.body = body;
    call.headers = {{"x-ms-version", "2025-11-05"}};
    call.host_params = {{"account", "acct1"}};
    call.caller = std::move(caller);
    return house_.call(call);
  }
  static std::string info(const std::string& start, const std::string& expiry) {
    return cat({"<KeyInfo><Start>", start, "</Start><Expiry>", expiry, "</Expiry></KeyInfo>"});
  }
  StorageService service_;
  core::testing::TestHouse house_;
};

TEST_F(StorageDelegationKey, IsGivenToItsOwner) {
  const std::string start = hours_from_now(0), expiry = hours_from_now(24);
  http::Response response = ask(info(start, expiry));
  ASSERT_EQ(response.status, 200) << core::testing::text_of(response);
  const auto key = parse_xml(core::testing::text_of(response));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->child_text("SignedOid"), "somebody");
  EXPECT_EQ(key->child_text("SignedTid"), "tenant");
  EXPECT_EQ(key->child_text("SignedStart"), start);
  EXPECT_EQ(key->child_text("SignedExpiry"), expiry);
  EXPECT_EQ(key->child_text("SignedVersion"), "2025-11-05");
  EXPECT_EQ(key->child_text("Value").size(), 44u);
}

TEST_F(StorageDelegationKey, IsRefusedBeyondSevenDaysAndToWhatIsLimitedItself) {
  for (const auto& [start, expiry] :
       std::initializer_list<std::pair<int, int>>{{0, 24 * 8}, {24 * 3, 24 * 9}, {0, -1}, {5, 4}})
    EXPECT_EQ(ask(info(hours_from_now(start), hours_from_now(expiry))).status, 400)
        << start << " " << expiry;
  for (const char* body : {"", "<KeyInfo/>", "<KeyInfo><Expiry>x</Expiry></KeyInfo>", "{}"})
    EXPECT_EQ(ask(body).status, 400) << body;
  const std::string good = info(hours_from_now(0), hours_from_now(1));
  EXPECT_EQ(ask(good, {.object_id = "job", .grants = std::vector<core::Grant>{}}).status, 403);
  EXPECT_EQ(ask(good, {.kind = core::CredentialKind::kSharedKey}).status, 403);
}

}  // namespace
}  // namespace lazuli::storage
