// SPDX-License-Identifier: Apache-2.0
#include "services/storage/delegation.h"

#include "base/strings.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "crypto/digest.h"
#include "services/storage/errors.h"
#include "services/storage/handlers.h"
#include "services/storage/wire.h"

namespace lazuli::storage {
namespace {

constexpr std::string_view kVersion = "2021-12-02";

Error bad_node(std::string_view node, std::string_view reason) {
  return invalid_argument(
      cat({"XML specified is not syntactically valid: ", node, " ", reason, "."}),
      "InvalidXmlNodeValue");
}

Result<Timestamp> time_of(const XmlElement& info, std::string_view node) {
  auto time = parse_iso8601(info.child_text(node));
  if (!time.ok()) return bad_node(node, "is not a time");
  return *time;
}

struct Period {
  Timestamp start, expiry;
};

Result<Period> period_of(const std::string& body) {
  auto info = parse_xml(body);
  if (!info.ok() || info->name != "KeyInfo") return invalid_xml();
  if (info->child("DelegatedUserTid") != nullptr)
    return not_here("A user delegation key for users of another tenant");
  const Timestamp time = now();
  Period period{time, TRY(time_of(*info, "Expiry"))};
  if (!info->child_text("Start").empty()) period.start = TRY(time_of(*info, "Start"));
  if (period.expiry <= time) return bad_node("Expiry", "has passed");
  if (period.expiry <= period.start) return bad_node("Expiry", "is before Start");
  if (period.expiry - period.start > kDelegationLifeMax ||
      period.expiry - time > kDelegationLifeMax)
    return bad_node("Expiry", "is more than seven days away");
  return period;
}

}  // namespace

SecretString delegation_key(const Account& account, const DelegationTerms& terms) {
  const std::string text =
      join({"user delegation key", account.name, terms.object_id, terms.tenant_id, terms.start,
            terms.expiry, terms.service, terms.version},
           "\n");
  std::string raw = crypto::hmac_sha256(account.delegation.expose(), text);
  std::string encoded = to_base64(raw);
  SecretString key(encoded);
  wipe(raw.data(), raw.size());
  wipe(encoded.data(), encoded.size());
  return key;
}

// get-user-delegation-key: 1. a person or service, not a key or a SAS; 2. the period; 3. the key.
Answer get_user_delegation_key(Parts& parts, core::RequestContext& context) {
  const core::Principal& caller = context.principal();
  // What is limited itself cannot be handed on: the key would carry all its owner may do.
  if (caller.object_id().empty() || caller.grants()) return permission_mismatch();
  const Period period = TRY(period_of(context.body()));
  const auto account = TRY(parts.accounts.get(context.param("account")));
  const std::string_view version = context.header("x-ms-version");
  DelegationTerms terms{caller.object_id(),
                        caller.tenant_id(),
                        format_iso8601_seconds(period.start),
                        format_iso8601_seconds(period.expiry),
                        "b",
                        std::string(version.empty() ? kVersion : version)};
  XmlElement root("UserDelegationKey");
  root.add("SignedOid", terms.object_id);
  root.add("SignedTid", terms.tenant_id);
  root.add("SignedStart", terms.start);
  root.add("SignedExpiry", terms.expiry);
  root.add("SignedService", terms.service);
  root.add("SignedVersion", terms.version);
  root.add("Value", std::string(delegation_key(*account, terms).expose()));
  http::Response response = xml_response(dump_xml(root));
  response.header("Cache-Control", "no-store");
  return response;
}

}  // namespace lazuli::storage
