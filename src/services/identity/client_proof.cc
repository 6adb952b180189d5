// SPDX-License-Identifier: Apache-2.0
#include "services/identity/client_proof.h"

#include "base/log.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "services/identity/session_store.h"

namespace lazuli::identity {
namespace {

using crypto::JwsAlgorithm;

constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::string_view kExchangeAudience = "api://AzureADTokenExchange";
constexpr Duration kAssertionLifetimeMax = std::chrono::minutes(10);
constexpr Duration kSkew = std::chrono::seconds(120);
constexpr size_t kIdSizeMax = 256;

Error wrong_secret() {
  return oauth("invalid_client", 7000215,
               "Invalid client secret provided. Ensure the secret being sent in the request is the "
               "client secret value, not the client secret ID.");
}

Error bad_assertion(std::string_view why) {
  return oauth("invalid_client", 700027, cat({"The client assertion is invalid: ", why, "."}));
}

// RFC 6749 §2.3.1: id and secret as a form would encode them.
struct Basic {
  std::string id;
  SecretString secret;
};
Result<std::optional<Basic>> basic_credential(const Context& context) {
  std::string_view value = context.header("Authorization");
  if (!istarts_with(value, "Basic ")) return std::optional<Basic>();
  auto text = from_base64(trim(value.substr(6)));
  size_t colon = text.ok() ? text->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return oauth("invalid_client", 900145, "The Basic credential cannot be read.");
  std::string id = TRY(url_decode(std::string_view(*text).substr(0, colon)));
  SecretString secret(TRY(url_decode(std::string_view(*text).substr(colon + 1))));
  wipe(text->data(), text->size());
  return std::optional(Basic{std::move(id), std::move(secret)});
}

// Thumbprints come as base64url, by some clients with padding.
std::string thumbprint(const Json& header, std::string_view name) {
  std::string_view text = header[name].str();
  while (text.ends_with('=')) text.remove_suffix(1);
  auto bytes = from_base64url(text);
  return bytes.ok() ? *bytes : std::string();
}

std::optional<crypto::VerificationKey> key_of(const directory::Certificate& certificate) {
  auto pem = crypto::certificate_from_der(certificate.der);
  if (!pem.ok()) return {};
  auto key = crypto::certificate_key(*pem);
  if (!key.ok()) return {};
  if (key->is_rsa())
    return crypto::VerificationKey{*key, {JwsAlgorithm::kRs256, JwsAlgorithm::kPs256}};
  return crypto::VerificationKey{*key, {JwsAlgorithm::kEs256}};
}

bool has_audience(const Json& claims, std::string_view wanted) {
  const Json& audience = claims["aud"];
  if (audience.is_string()) return audience.str() == wanted;
  for (const Json& each : audience.items())
    if (each.str() == wanted) return true;
  return false;
}

}  // namespace

// 1. Which client; 2. at most one credential; 3. the credential; 4. is the principal let in?
Result<ProvenClient> ClientProver::prove(const Context& context, const Fields& form) {
  std::optional<Basic> basic = TRY(basic_credential(context));
  int credentials = (basic ? 1 : 0) + form.has("client_secret") + form.has("client_assertion");
  if (credentials > 1)
    return oauth("invalid_request", 90014, "The request carries more than one client credential.");
  std::string app_id = to_lower(basic ? basic->id : form["client_id"]);
  ProvenClient client;
  if (form.has("client_assertion")) {
    app_id = TRY(prove_assertion(form, app_id));
    client.proof = ClientProof::kAssertion;
  }
  if (app_id.empty())
    return oauth("invalid_request", 900144,
                 "The request body must contain the following parameter: 'client_id'.");
  auto app = TRY(find_client_app(directory_, app_id));
  client.principal = TRY(directory_.find_by_app_id(app_id));
  if (!app && client.principal)  // a managed identity has no application of its own
    app = ClientApp{app_id, client.principal->name, false, {}, {}};
  if (!app)
    return oauth("invalid_client", 700016,
                 cat({"Application with identifier '", app_id.substr(0, 64),
                      "' was not found in the directory '", installation_.tenant_id, "'."}));
  client.app = std::move(*app);
  if (basic || form.has("client_secret")) {
    SecretString secret = basic ? std::move(basic->secret) : SecretString(form["client_secret"]);
    TRY(prove_secret(app_id, secret));
    client.proof = ClientProof::kSecret;
  }
  if (client.principal && !client.principal->enabled)
    return oauth("invalid_client", 7000112, cat({"Application '", app_id, "' is disabled."}));
  return client;
}

Result<void> ClientProver::prove_secret(const std::string& app_id, const SecretString& secret) {
  if (secret.empty() || !TRY(directory_.verify_client_secret(app_id, secret)))
    return wrong_secret();
  return {};
}

// The assertion says whose it is; nothing of that is believed before the signature is verified.
Result<std::string> ClientProver::prove_assertion(const Fields& form, std::string_view client_id) {
  if (form["client_assertion_type"] != kJwtBearer)
    return oauth("invalid_request", 900144,
                 cat({"The parameter 'client_assertion_type' must be '", kJwtBearer, "'."}));
  const std::string& assertion = form["client_assertion"];
  auto claimed = crypto::peek_jwt(assertion);
  if (!claimed.ok())
    return oauth("invalid_client", 50027, "The client assertion is not a JSON web token.");
  const Json& claims = claimed->claims;
  std::string subject = to_lower(claims["sub"].str());
  bool is_own = to_lower(claims["iss"].str()) == subject && !subject.empty() &&
                (client_id.empty() || client_id == subject);
  if (is_own) {
    TRY(prove_certificate(subject, assertion, form));
    return subject;
  }
  if (client_id.empty())
    return oauth("invalid_request", 900144,
                 "The request body must contain the following parameter: 'client_id'.");
  TRY(prove_federation(std::string(client_id), *claimed, assertion));
  return std::string(client_id);
}

// RFC 7523 §3 with Entra's limits: the certificate is named by x5t or x5t#S256 and registered; the
// audience is a token endpoint of ours; it lives for ten minutes at most and is used once.
Result<void> ClientProver::prove_certificate(const std::string& app_id,
                                             const std::string& assertion, const Fields& form) {
  std::vector<directory::Certificate> certificates = TRY(directory_.certificates(app_id));
  auto find = [&](const Json& header) -> std::optional<crypto::VerificationKey> {
    std::string sha256 = thumbprint(header, "x5t#S256"), sha1 = thumbprint(header, "x5t");
    for (const directory::Certificate& each : certificates) {
      bool named = sha256.empty() ? !sha1.empty() && each.sha1 == sha1 : each.sha256 == sha256;
      if (named && each.start <= now() && now() < each.end) return key_of(each);
    }
    return {};
  };
  auto jwt = crypto::verify_jwt(assertion, find);
  if (!jwt.ok())
    return bad_assertion("no registered certificate that is valid now has made its signature");
  const Json& claims = jwt->claims;
  if (auto times = crypto::check_jwt_times(claims, now(), kSkew); !times.ok())
    return oauth("invalid_client", 700024, "Client assertion is not within its valid time range.");
  if (!is_token_endpoint(installation_, claims["aud"].str()))
    return oauth(
        "invalid_client", 700023,
        "Client assertion audience claim does not match Realm issuer: it must be the token "
        "endpoint.");
  double ahead = claims["exp"].number() - static_cast<double>(to_micros(now())) / 1e6;
  if (ahead > std::chrono::duration<double>(kAssertionLifetimeMax + kSkew).count())
    return bad_assertion("it is valid for more than ten minutes");
  return use_once(app_id, claims, form);
}

// MSAL makes one assertion for all requests of nine minutes, so what is used once is an assertion
// for a request: whoever sees both cannot send them again.
Result<void> ClientProver::use_once(const std::string& app_id, const Json& claims,
                                    const Fields& form) {
  std::string id = claims["jti"].text();
  if (id.empty() || id.size() > kIdSizeMax) return bad_assertion("it has no usable 'jti'");
  crypto::Hasher request(crypto::DigestKind::kSha256);
  for (const auto& [name, value] : form.items()) {
    if (name.starts_with("client_assertion")) continue;
    request.update(cat({name, "=", value, "\n"}));
  }
  std::string used = cat({id, " ", to_base64url(request.finish())});
  Timestamp until = from_micros(static_cast<int64_t>(claims["exp"].number() * 1e6)) + kSkew;
  bool fresh = TRY(handle_.write(
      [&](db::Tx& tx) { return SessionStore::use_assertion(tx, app_id, used, until); }));
  if (!fresh) return bad_assertion("it was used for this request before");
  return {};
}

// Exact issuer, subject and audience of a federated credential, then the issuer's signature.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
Result<void> ClientProver::prove_federation(const std::string& app_id, const crypto::Jwt& claimed,
                                            const std::string& assertion) {
  std::string issuer = claimed.claims["iss"].text(), subject = claimed.claims["sub"].text();
  const directory::FederatedCredential* match = nullptr;
  std::vector<directory::FederatedCredential> trusted =
      TRY(directory_.federated_credentials(app_id));
  for (const directory::FederatedCredential& each : trusted)
    if (each.issuer == issuer && each.subject == subject) match = &each;
  if (match == nullptr)
    return oauth("invalid_client", 700213,
                 cat({"No matching federated identity record found for presented assertion subject "
                      "'",
                      subject.substr(0, 200), "' of issuer '", issuer.substr(0, 200), "'."}));
  const std::vector<std::string> audiences =
      match->audiences.empty() ? std::vector{std::string(kExchangeAudience)} : match->audiences;
  return issuer == tokens_.issuer(1) || issuer == tokens_.issuer(2)
             ? prove_own(assertion, audiences)
             : prove_foreign(issuer, claimed, assertion, audiences);
}

// A token of our own must be good in every way a resource asks for (its job, session and principal
// still are), and one that is limited cannot stand for an application that is not.
Result<void> ClientProver::prove_own(const std::string& assertion,
                                     const std::vector<std::string>& audiences) {
  for (const std::string& audience : audiences) {
    auto checked = tokens_.check(assertion, audience);
    if (!checked.ok()) continue;
    if ((*checked)->verified.grants) return bad_assertion("it is limited itself");
    return {};
  }
  return bad_assertion("it is no valid access token of this directory for the agreed audience");
}

Result<void> ClientProver::prove_foreign(const std::string& issuer, const crypto::Jwt& claimed,
                                         const std::string& assertion,
                                         const std::vector<std::string>& audiences) {
  crypto::Jwt jwt = TRY(verify_foreign(issuer, claimed, assertion));
  if (auto times = crypto::check_jwt_times(jwt.claims, now(), kSkew); !times.ok())
    return oauth("invalid_client", 700024, "Client assertion is not within its valid time range.");
  const bool for_us = std::ranges::any_of(
      audiences, [&](const std::string& each) { return has_audience(jwt.claims, each); });
  if (!for_us)
    return oauth("invalid_client", 700212,
                 cat({"No matching federated identity record found for the presented assertion's "
                      "audience; it should be '",
                      kExchangeAudience, "'."}));
  return {};
}

Result<crypto::Jwt> ClientProver::verify_foreign(const std::string& issuer,
                                                 const crypto::Jwt& claimed,
                                                 const std::string& assertion) {
  auto published = issuers_.keys(issuer, claimed.header["kid"].text());
  if (!published.ok()) {
    log::warning("identity", "the keys of an issuer cannot be had",
                 {{"issuer", issuer}, {"why", published.error().message}});
    return oauth("invalid_client", 50166,
                 "The request to the external OIDC endpoint of the assertion's issuer failed.");
  }
  auto jwt = crypto::verify_jwt(assertion,
                                [&](const Json& header) { return key_named(*published, header); });
  if (!jwt.ok()) return bad_assertion("no key of its issuer has made its signature");
  return std::move(*jwt);
}

}  // namespace lazuli::identity
