// SPDX-License-Identifier: Apache-2.0
#include "services/directory/external_accounts.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "services/directory/credential_store.h"
#include "services/directory/graph.h"
#include "services/directory/principals.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr std::string_view kFederated = "federated";
constexpr std::string_view kByName = "userPrincipalName";
constexpr size_t kAccountsMax = 10;
constexpr size_t kSubjectMax = 255;  // OpenID Connect Core §2

std::string seal_context(const std::string& provider_id) {
  return "directory.provider/" + provider_id;
}

Error invalid_identities(std::string_view why) {
  return bad_request(cat({"Invalid value specified for property 'identities' of resource: ", why}));
}

bool is_subject(std::string_view text) {
  bool plain = std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return !text.empty() && text.size() <= kSubjectMax && plain && is_utf8(text);
}

Result<std::vector<LinkedAccount>> accounts_in(const Object& user, const Json& identities) {
  std::vector<LinkedAccount> accounts;
  if (!identities.is_array() || identities.size() > kAccountsMax)
    return invalid_identities("at most 10 identities.");
  for (const Json& each : identities.items()) {
    const Json& subject = each["issuerAssignedId"];
    if (each["signInType"].str() == kByName && iequals(subject.str(), user.upn.value_or("")))
      continue;
    if (each["signInType"].str() != kFederated)
      return invalid_identities("'signInType' must be federated, or name the user principal name.");
    if (!is_subject(subject.str()))
      return invalid_identities("'issuerAssignedId' must be 1 to 255 characters.");
    accounts.push_back({each["issuer"].text(), subject.text()});
  }
  return accounts;
}

// A link to a provider that nobody knows would be a slip of the pen.
Result<void> check_issuer(db::Executor& db, const std::string& issuer) {
  for (const IdentityProvider& each : TRY(CredentialStore::providers(db)))
    if (each.issuer == issuer) return {};
  return invalid_identities("'issuer' is not that of one of the identity providers.");
}

}  // namespace

Result<std::vector<IdentityProvider>> ExternalAccounts::providers() {
  return handle_.read([](db::Reader& reader) { return CredentialStore::providers(reader); });
}

Result<IdentityProvider> ExternalAccounts::add_provider(const IdentityProvider& wanted,
                                                        const SecretString& client_secret) {
  IdentityProvider provider = wanted;
  provider.id = new_uuid();
  std::string sealed = vault_.seal(seal_context(provider.id), client_secret.expose());
  TRY(handle_.write(
      [&](db::Tx& tx) { return CredentialStore::add_provider(tx, provider, sealed); }));
  return provider;
}

Result<void> ExternalAccounts::remove_provider(const std::string& provider_id) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    if (TRY(CredentialStore::remove_provider(tx, provider_id))) return {};
    return not_found("there is no identity provider " + provider_id);
  });
}

Result<SecretString> ExternalAccounts::provider_secret(const std::string& provider_id) {
  auto sealed = TRY(handle_.read([&](db::Reader& reader) {
    return CredentialStore::sealed_provider_secret(reader, provider_id);
  }));
  if (!sealed) return not_found("there is no identity provider " + provider_id);
  return vault_.open(seal_context(provider_id), *sealed);
}

Result<ExternalAnswer> ExternalAccounts::person(const IdentityProvider& provider,
                                                const ExternalAccount& account) {
  auto linked = TRY(handle_.read([&](db::Reader& reader) -> Result<std::optional<Object>> {
    auto object_id = TRY(CredentialStore::find_external(reader, provider.issuer, account.subject));
    if (!object_id) return std::optional<Object>();
    return Store::find(reader, *object_id);
  }));
  if (linked) return ExternalAnswer{principal_of(*linked), false};
  if (!provider.match_email || account.verified_email.empty()) return ExternalAnswer{};
  return handle_.write([&](db::Tx& tx) { return adopt(tx, provider, account); });
}

// A user who has an account with this provider gets no second one in this way: addresses are given
// to others in time, and whoever has one now need not be whoever had it then.
Result<ExternalAnswer> ExternalAccounts::adopt(db::Tx& tx, const IdentityProvider& provider,
                                               const ExternalAccount& account) {
  auto user = TRY(Store::find_by_upn(tx, account.verified_email));
  if (!user || !is_subject(account.subject)) return ExternalAnswer{};
  for (const LinkedAccount& each : TRY(CredentialStore::externals_of(tx, user->object_id)))
    if (each.issuer == provider.issuer) return ExternalAnswer{};
  TRY(CredentialStore::add_external(tx, user->object_id, {provider.issuer, account.subject}));
  TRY(changes_.record(tx, user->object_id, user->kind, "credentials"));
  log::info("directory", "an account was linked at its first sign-in",
            {{"issuer", provider.issuer}, {"object", user->object_id}});
  return ExternalAnswer{principal_of(*user), true};
}

Result<Json> identities_json(db::Executor& db, const Object& user, const std::string& domain) {
  Json identities = Json::array({Json::object(
      {{"signInType", kByName}, {"issuer", domain}, {"issuerAssignedId", user.upn.value_or("")}})});
  for (const LinkedAccount& each : TRY(CredentialStore::externals_of(db, user.object_id)))
    identities.push_back(Json::object(
        {{"signInType", kFederated}, {"issuer", each.issuer}, {"issuerAssignedId", each.subject}}));
  return identities;
}

Result<void> write_identities(db::Tx& tx, const Object& user, const Json& identities) {
  std::vector<LinkedAccount> wanted = TRY(accounts_in(user, identities));
  std::vector<LinkedAccount> known = TRY(CredentialStore::externals_of(tx, user.object_id));
  bool lost = false;
  for (const LinkedAccount& each : known) {
    if (std::ranges::find(wanted, each) != wanted.end()) continue;
    TRY(CredentialStore::remove_external(tx, each));
    lost = true;
  }
  for (const LinkedAccount& each : wanted) {
    if (std::ranges::find(known, each) != known.end()) continue;
    TRY(check_issuer(tx, each.issuer));
    if (TRY(CredentialStore::find_external(tx, each.issuer, each.subject)))
      return bad_request(
          "Another object with the same value for property identities already exists.");
    TRY(CredentialStore::add_external(tx, user.object_id, each));
    known.push_back(each);
  }
  if (lost) TRY(Store::set_not_before(tx, user.object_id, now()));
  return {};
}

bool links_account(const Json& identities) {
  return std::ranges::any_of(
      identities.items(), [](const Json& each) { return each["signInType"].str() == kFederated; });
}

}  // namespace lazuli::directory
