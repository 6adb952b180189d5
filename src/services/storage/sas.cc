// SPDX-License-Identifier: Apache-2.0
#include "services/storage/sas.h"

#include <arpa/inet.h>

#include "base/strings.h"
#include "codec/text.h"
#include "services/storage/delegation.h"
#include "services/storage/errors.h"
#include "services/storage/operations.h"
#include "services/storage/signature.h"

namespace lazuli::storage {
namespace {

constexpr std::string_view kOurVersion = "2021-12-02";
constexpr std::string_view kPermissionOrder = "racwdxyltmeopi";

std::string_view field(const SasFields& fields, std::string_view name) {
  auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

Result<SasFields> fields_of(const http::RequestHead& head) {
  SasFields fields;
  auto items = parse_query(head.query);
  if (!items.ok()) return invalid_query("sig");
  for (auto& [name, value] : *items) fields.try_emplace(to_lower(name), std::move(value));
  return fields;
}

// Forms that are known but not here say so; what is no SAS at all is refused.
Result<void> check_form(const SasFields& fields) {
  if (fields.contains("ss") || fields.contains("srt")) return not_here("An account SAS");
  for (std::string_view name : {"saoid", "suoid", "sduoid", "skdutid"})
    if (fields.contains(name)) return not_here("A user delegation SAS bound to another user");
  std::string_view resource = field(fields, "sr");
  if (resource == "d" || resource == "bs" || resource == "bv")
    return not_here("A SAS of a directory, snapshot or version");
  if (resource != "c" && resource != "b")
    return authentication_failed("sr is mandatory and must be c or b.");
  if (field(fields, "sv") < "2015-04-05")
    return authentication_failed("sv is mandatory and must be 2015-04-05 or later.");
  if (!field(fields, "si").empty())
    return authentication_failed("There is no stored access policy of the name given as si.");
  if (field(fields, "se").empty() || field(fields, "sp").empty())
    return authentication_failed("sp and se are mandatory.");
  return {};
}

Result<Timestamp> time_field(const SasFields& fields, std::string_view name) {
  auto time = parse_iso8601(field(fields, name));
  if (!time.ok()) return authentication_failed(cat({name, " is not a valid time."}));
  return *time;
}

Result<Timestamp> check_times(const SasFields& fields) {
  Timestamp expiry = TRY(time_field(fields, "se"));
  if (expiry <= now())
    return authentication_failed(
        "Signature not valid in the specified time frame: it has expired.");
  if (!field(fields, "st").empty() && TRY(time_field(fields, "st")) > now())
    return authentication_failed(
        "Signature not valid in the specified time frame: it is not valid yet.");
  return expiry;
}

bool is_delegated(const SasFields& fields) { return fields.contains("skoid"); }

// A SAS signed with a user delegation key ends with the key at the latest.
Result<Timestamp> check_delegation_times(const SasFields& fields) {
  const Timestamp start = TRY(time_field(fields, "skt"));
  const Timestamp expiry = TRY(time_field(fields, "ske"));
  if (start > now() || expiry <= now() || expiry - start > kDelegationLifeMax)
    return authentication_failed(
        "Signature not valid in the key's time frame: the user delegation key has expired or is "
        "not valid yet.");
  return expiry;
}

Result<std::string> expected_signature(const Account& account, const SasFields& fields,
                                       std::string_view resource) {
  const std::string text = service_sas_text(fields, resource);
  if (!is_delegated(fields)) return sign(account.key, text);
  auto value = [&](std::string_view name) { return std::string(field(fields, name)); };
  const DelegationTerms terms{value("skoid"), value("sktid"), value("skt"),
                              value("ske"),   value("sks"),   value("skv")};
  return sign(delegation_key(account, terms), text);
}

std::optional<uint32_t> ipv4(std::string_view text) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return {};
  return ntohl(address.s_addr);
}

Result<void> check_peer(const SasFields& fields, const http::RequestHead& head) {
  std::string_view protocol = field(fields, "spr");
  if (protocol == "https" && !head.tls)
    return permission_denied(
        "This request is not authorized to perform this operation using this protocol.",
        "AuthorizationProtocolMismatch");
  std::string_view range = field(fields, "sip");
  if (range.empty()) return {};
  size_t dash = range.find('-');
  auto low = ipv4(range.substr(0, dash));
  auto high = dash == std::string_view::npos ? low : ipv4(range.substr(dash + 1));
  auto peer = ipv4(head.peer);
  if (!low || !high || !peer || *peer < *low || *peer > *high)
    return permission_denied(
        "This request is not authorized to perform this operation using this source IP.",
        "AuthorizationSourceIPMismatch");
  return {};
}

std::vector<std::string> operations_of(std::string_view permissions) {
  std::vector<std::string> operations;
  if (sas_allows(permissions, "rl")) operations.push_back(kReadBlobs.name);
  if (sas_allows(permissions, "cw")) operations.push_back(kWriteBlobs.name);
  if (sas_allows(permissions, "a")) operations.push_back(kAddBlobs.name);
  if (sas_allows(permissions, "d")) operations.push_back(kDeleteBlobs.name);
  return operations;
}

}  // namespace

bool sas_allows(std::string_view signed_permissions, std::string_view letters) {
  return signed_permissions.find_first_of(letters) != std::string_view::npos;
}

std::string service_sas_text(const SasFields& fields, std::string_view resource) {
  const std::string_view version = field(fields, "sv");
  std::vector<std::string> lines;
  auto add = [&](std::string_view name) { lines.emplace_back(field(fields, name)); };
  for (std::string_view name : {"sp", "st", "se"}) add(name);
  lines.emplace_back(resource);
  if (fields.contains("skoid")) {
    for (std::string_view name : {"skoid", "sktid", "skt", "ske", "sks", "skv"}) add(name);
    if (version >= "2020-02-10")
      for (std::string_view name : {"saoid", "suoid", "scid"}) add(name);
    if (version >= "2025-07-05")
      for (std::string_view name : {"skdutid", "sduoid"}) add(name);
  } else {
    add("si");
  }
  for (std::string_view name : {"sip", "spr", "sv"}) add(name);
  if (version >= "2018-11-09") {
    add("sr");
    lines.emplace_back();  // the snapshot's time: sr is never bs or bv here
  }
  if (version >= "2020-12-06") add("ses");
  for (std::string_view name : {"rscc", "rscd", "rsce", "rscl", "rsct"}) add(name);
  return join(lines, "\n");
}

Result<std::string> make_service_sas(const Account& account, const BlobPath& path,
                                     const SasOptions& options) {
  std::string permissions;
  for (char letter : kPermissionOrder)
    if (options.permissions.find(letter) != std::string::npos) permissions += letter;
  if (permissions.empty() || permissions.size() != options.permissions.size())
    return invalid_argument("not a set of SAS permissions: '" + options.permissions + "'");

  const bool of_blob = !path.name.empty();
  SasFields fields{{"sv", std::string(kOurVersion)},
                   {"sr", of_blob ? "b" : "c"},
                   {"sp", permissions},
                   {"se", format_iso8601_seconds(now() + options.lifetime)}};
  std::string resource = cat({"/blob/", account.name, "/", path.container});
  if (of_blob) resource += "/" + path.name;
  std::string signature = TRY(sign(account.key, service_sas_text(fields, resource)));
  std::string text;
  for (std::string_view name : {"sv", "sr", "sp", "se"})
    text += cat({name, "=", url_encode(field(fields, name)), "&"});
  return text + "sig=" + url_encode(signature);
}

bool SasAuthenticator::present(const http::RequestHead& head) const {
  auto items = parse_query(head.query);
  if (!items.ok()) return false;
  for (const auto& [name, value] : *items)
    if (iequals(name, "sig")) return true;
  return false;
}

Result<core::Verified> SasAuthenticator::verify(const http::RequestHead& head, std::string_view) {
  SasFields fields = TRY(fields_of(head));
  TRY(check_form(fields));
  Target target = TRY(target_of(head));
  const auto account = TRY(account_of_caller(find_account_, target.account));

  std::string resource = cat({"/blob/", account->name, "/", target.container});
  if (field(fields, "sr") == "b") resource += "/" + target.blob;
  std::string expected = TRY(expected_signature(*account, fields, resource));
  if (!equal_constant_time(expected, field(fields, "sig")))
    return authentication_failed("Signature did not match.");
  Timestamp expiry = TRY(check_times(fields));
  if (is_delegated(fields)) expiry = std::min(expiry, TRY(check_delegation_times(fields)));
  TRY(check_peer(fields, head));

  core::Verified verified;
  verified.name = "SAS of " + account->name + "/" + target.container;
  if (is_delegated(fields)) {
    // Its owner's own rights decide at each use; the grants narrow them.
    verified.object_id = field(fields, "skoid");
    verified.tenant_id = field(fields, "sktid");
  }
  verified.kind = core::CredentialKind::kSas;
  verified.expires = expiry;
  verified.grants = {{operations_of(field(fields, "sp")),
                      account->arm_id + "/blobServices/default/containers/" + target.container}};
  return verified;
}

}  // namespace lazuli::storage
