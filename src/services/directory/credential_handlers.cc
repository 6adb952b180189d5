// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "services/directory/credential_store.h"
#include "services/directory/federations.h"
#include "services/directory/graph.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr size_t kSecretsMax = 100;
constexpr size_t kCertificatesMax = 50;
constexpr size_t kTextMax = 600;
constexpr Duration kSecretLifetime = std::chrono::hours(24 * 730);

// As Graph writes it, without zeros that say nothing: Terraform compares the text with its own.
Json time_json(Timestamp time) {
  if (time == std::chrono::floor<std::chrono::seconds>(time))
    return Json(format_iso8601_seconds(time));
  std::string text = format_iso8601(time);
  text.pop_back();
  text.erase(text.find_last_not_of('0') + 1);
  return Json(text + "Z");
}

Result<Timestamp> time_in(const Json& json, std::string_view name, Timestamp fallback) {
  const Json& value = json[name];
  if (value.is_null()) return fallback;
  auto time = parse_iso8601(value.str());
  if (!time.ok())
    return bad_request(cat({"Invalid value specified for property '", name, "' of resource."}));
  return *time;
}

Json secret_json(const Secret& secret) {
  return Json::object({{"customKeyIdentifier", Json()},
                       {"displayName", secret.name.empty() ? Json() : Json(secret.name)},
                       {"endDateTime", time_json(secret.end)},
                       {"hint", secret.hint},
                       {"keyId", secret.key_id},
                       {"secretText", Json()},
                       {"startDateTime", time_json(secret.start)}});
}

Result<void> refuse_managed(const Object& object) {
  if (!object.resource_id) return {};
  return bad_request("A managed identity has no credentials that clients could write.");
}

// The certificate in one entry of keyCredentials: base64 of DER or of PEM.
Result<std::string> der_in(const Json& entry) {
  Error refused = bad_request("Key credential is invalid: 'key' must be an X.509 certificate.");
  auto decoded = from_base64(entry["key"].str());
  if (!decoded.ok()) return refused;
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  size_t begin = decoded->find(kBegin), end = decoded->find(kEnd);
  if (begin == std::string::npos) return *decoded;
  if (end == std::string::npos || end < begin) return refused;
  std::string body = decoded->substr(begin + kBegin.size(), end - begin - kBegin.size());
  std::erase_if(body, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  auto inner = from_base64(body);
  if (!inner.ok()) return refused;
  return *inner;
}

Result<KeptCertificate> certificate_in(const Json& entry) {
  if (entry["type"].str("AsymmetricX509Cert") != "AsymmetricX509Cert" ||
      entry["usage"].str("Verify") != "Verify")
    return bad_request("Only certificates to verify with (AsymmetricX509Cert, Verify) are taken.");
  KeptCertificate made;
  made.der = TRY(der_in(entry));
  std::string pem =
      cat({"-----BEGIN CERTIFICATE-----\n", to_base64(made.der), "\n-----END CERTIFICATE-----\n"});
  auto info = crypto::inspect_certificate(pem);
  if (!info.ok())
    return bad_request("Key credential is invalid: 'key' must be an X.509 certificate.");
  made.key_id = to_lower(entry["keyId"].str());
  if (!is_uuid(made.key_id)) made.key_id = new_uuid();
  made.name = entry["displayName"].text().substr(0, kTextMax);
  made.usage = "Verify";
  made.sha1 = crypto::sha1(made.der);
  made.sha256 = crypto::sha256(made.der);
  made.start = std::max(TRY(time_in(entry, "startDateTime", info->not_before)), info->not_before);
  made.end = std::min(TRY(time_in(entry, "endDateTime", info->not_after)), info->not_after);
  if (made.end <= made.start) return bad_request("Key credential end date is invalid.");
  return made;
}

Json federation_json(const KeptFederation& each) {
  return Json::object({{"id", each.id},
                       {"name", each.name},
                       {"issuer", each.issuer},
                       {"subject", each.subject},
                       {"description", each.description.empty() ? Json() : Json(each.description)},
                       {"audiences", Json::strings(each.audiences)}});
}

Result<KeptFederation> federation_of(db::Executor& db, const Object& object, Context& context) {
  const std::string& key = context.param("credential");
  for (KeptFederation& each : TRY(CredentialStore::federations_of(db, object.object_id)))
    if (iequals(each.id, key) || each.name == key) return std::move(each);
  return no_such_object(key);
}

constexpr std::string_view kFederationFragment = "applications/federatedIdentityCredentials";

}  // namespace

Result<Json> secrets_json(db::Executor& db, const Object& object) {
  Json list = Json::array();
  for (const Secret& each : TRY(CredentialStore::secrets_of(db, object.object_id)))
    list.push_back(secret_json(each));
  return list;
}

Result<Json> certificates_json(db::Executor& db, const Object& object) {
  Json list = Json::array();
  for (const KeptCertificate& each : TRY(CredentialStore::certificates_of(db, object.object_id))) {
    std::string thumbprint = to_hex(each.sha1);
    std::transform(thumbprint.begin(), thumbprint.end(), thumbprint.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    list.push_back(Json::object({{"customKeyIdentifier", thumbprint},
                                 {"displayName", each.name.empty() ? Json() : Json(each.name)},
                                 {"endDateTime", time_json(each.end)},
                                 {"key", Json()},
                                 {"keyId", each.key_id},
                                 {"startDateTime", time_json(each.start)},
                                 {"type", "AsymmetricX509Cert"},
                                 {"usage", each.usage}}));
  }
  return list;
}

// Entries without a key stand for those that are there already.
Result<void> write_certificates(db::Tx& tx, const Object& object, const Json& key_credentials) {
  if (key_credentials.size() > kCertificatesMax)
    return bad_request("keyCredentials holds too many certificates.");
  if (!key_credentials.empty()) TRY(refuse_managed(object));
  auto known = TRY(CredentialStore::certificates_of(tx, object.object_id));
  auto is_known = [&](std::string_view key_id) {
    return std::any_of(known.begin(), known.end(),
                       [&](const KeptCertificate& each) { return iequals(each.key_id, key_id); });
  };
  std::vector<std::string> kept;
  for (const Json& entry : key_credentials.items()) {
    std::string_view key_id = entry["keyId"].str();
    if (is_known(key_id)) {
      kept.push_back(to_lower(key_id));
      continue;
    }
    TRY(CredentialStore::add_certificate(tx, object.object_id, TRY(certificate_in(entry))));
  }
  for (const KeptCertificate& each : known)
    if (std::find(kept.begin(), kept.end(), each.key_id) == kept.end())
      TRY(CredentialStore::remove_certificate(tx, each.key_id));
  return {};
}

// https://learn.microsoft.com/graph/api/application-addpassword
Answer add_password(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = context.body().empty() ? Json::object() : TRY(context.json());
  const Json& wanted = body["passwordCredential"];
  SecretOptions options;
  options.name = wanted["displayName"].text().substr(0, kTextMax);
  options.start = TRY(time_in(wanted, "startDateTime", now()));
  options.end = TRY(time_in(wanted, "endDateTime", options.start + kSecretLifetime));
  if (options.end <= options.start || options.end <= now())
    return bad_request("Credential end date is invalid.");
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    TRY(refuse_managed(object));
    if (TRY(CredentialStore::secrets_of(tx, object.object_id)).size() >= kSecretsMax)
      return bad_request("The object has as many passwords as it can have: remove one first.");
    MadeSecret made = graph.secrets.make(object, options);
    TRY(CredentialStore::add_secret(tx, made.kept));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "credentials"));
    Json json = secret_json(made.kept);
    json.set("secretText", made.text.expose());
    http::Response response = entity(context, "microsoft.graph.passwordCredential", json);
    response.header("Cache-Control", "no-store");
    return response;
  });
}

Answer remove_password(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    if (!TRY(CredentialStore::remove_secret(tx, object.object_id, body["keyId"].text())))
      return bad_request(cat(
          {"No password credential found with keyId '", body["keyId"].str().substr(0, 64), "'."}));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "credentials"));
    return no_content();
  });
}

Answer list_federations(const Graph& graph, const Noun& noun, Context& context) {
  ListOptions options = TRY(list_options(context));
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    Json::Array items;
    for (const KeptFederation& each :
         TRY(CredentialStore::federations_of(reader, object.object_id))) {
      Json json = federation_json(each);
      if (!options.filter || options.filter->matches(json))
        items.push_back(selected(std::move(json), options.select));
    }
    return collection(context, kFederationFragment, std::move(items));
  });
}

Answer create_federation(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  KeptFederation made;
  made.id = new_uuid();
  made.name = body["name"].text();
  TRY(check_name(made.name, "name"));
  TRY(write_federation(body, made));
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    TRY(check_federation_room(tx, object));
    TRY(CredentialStore::put_federation(tx, object.object_id, made));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "credentials"));
    return entity(context, kFederationFragment, federation_json(made), 201);
  });
}

Answer get_federation(const Graph& graph, const Noun& noun, Context& context) {
  return graph.handle.read([&](db::Reader& reader) -> Answer {
    Object object = TRY(object_of(graph, reader, noun, context));
    return entity(context, kFederationFragment,
                  federation_json(TRY(federation_of(reader, object, context))));
  });
}

Answer update_federation(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    KeptFederation federation = TRY(federation_of(tx, object, context));
    TRY(write_federation(body, federation));
    TRY(CredentialStore::put_federation(tx, object.object_id, federation));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "credentials"));
    return no_content();
  });
}

Answer delete_federation(const Graph& graph, const Noun& noun, Context& context) {
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object object = TRY(object_of(graph, tx, noun, context));
    TRY(CredentialStore::remove_federation(tx, TRY(federation_of(tx, object, context)).id));
    TRY(graph.changes.record(tx, object.object_id, object.kind, "credentials"));
    return no_content();
  });
}

// https://learn.microsoft.com/graph/api/user-changepassword
Answer change_password(const Graph& graph, const Noun& noun, Context& context) {
  const Json body = TRY(context.json());
  Object user = TRY(graph.handle.read(
      [&](db::Reader& reader) { return object_of(graph, reader, noun, context); }));
  PasswordVerdict verdict =
      TRY(graph.passwords.change(*user.upn, SecretString(body["currentPassword"].str()),
                                 SecretString(body["newPassword"].str())));
  if (verdict == PasswordVerdict::kAccepted) return no_content();
  if (verdict == PasswordVerdict::kLocked)
    return bad_request("The account is locked after too many wrong passwords; try again later.");
  return bad_request("The specified current password is incorrect.");
}

// https://learn.microsoft.com/graph/api/user-revokesigninsessions
Answer revoke_sessions(const Graph& graph, const Noun& noun, Context& context) {
  return graph.handle.write([&](db::Tx& tx) -> Answer {
    Object user = TRY(object_of(graph, tx, noun, context));
    TRY(Store::set_not_before(tx, user.object_id, now()));
    TRY(graph.changes.record(tx, user.object_id, user.kind, "sessions"));
    return core::json_response(Json::object(
        {{"@odata.context",
          context.url("graph", cat({"/", context.param("version"), "/$metadata#Edm.Boolean"}))},
         {"value", true}}));
  });
}

}  // namespace lazuli::directory
