// SPDX-License-Identifier: Apache-2.0
#include "services/identity/token_grants.h"

#include "base/strings.h"
#include "crypto/digest.h"

namespace lazuli::identity {
namespace {

// Who may speak for a person must prove itself unless it is a public client.
Result<void> need_proof(const ProvenClient& client) {
  if (client.app.is_public || client.proof != ClientProof::kNone) return {};
  return oauth("invalid_client", 7000218,
               "The request body must contain the following parameter: 'client_assertion' or "
               "'client_secret'.");
}

Result<Asked> asked_of(const TokenCall& call, const std::string& fallback) {
  const std::string& scope = call.form["scope"];
  const std::string& resource = call.form["resource"];
  return parse_asked(
      call.parts.installation, call.parts.directory,
      {scope.empty() && resource.empty() ? fallback : scope, resource, call.client.app.app_id});
}

// `claims` asks for the client's capabilities to be said: {"access_token":{"xms_cc":…}}.
bool knows_challenges(const Fields& form) {
  if (!form.has("claims")) return false;
  auto claims = Json::parse(form["claims"], {16u << 10, 8});
  if (!claims.ok()) return false;
  const Json& json = *claims;
  for (const Json& each : json["access_token"]["xms_cc"]["values"].items())
    if (each.str() == "CP1") return true;
  return false;
}

Result<Access> access_for(const TokenCall& call, const directory::Principal& subject,
                          const Asked& asked) {
  Access access;
  access.subject = subject;
  access.audience = asked.audience;
  access.resource = asked.resource;
  access.version = asked.version;
  access.client_id = call.client.app.app_id;
  access.proof = call.client.proof;
  access.lifetime = draw_lifetime();
  access.knows_claims_challenges = knows_challenges(call.form);
  TRY(add_roles(call.parts.directory, asked, access));
  return access;
}

Error not_assigned(const directory::Principal& subject, std::string_view application) {
  if (subject.kind == directory::PrincipalKind::kUser)
    return oauth("invalid_grant", 50105,
                 cat({"The signed in user '", subject.upn,
                      "' is not assigned to a role for the "
                      "application '",
                      application, "'."}));
  return oauth("invalid_grant", 501051,
               cat({"Application '", subject.app_id, "'(", subject.name,
                    ") is not assigned to a role for the application '", application, "'."}));
}

struct Person {
  const directory::Principal& principal;
  const Session& session;
  std::string nonce;
};

Result<Granted> grant_person(const TokenCall& call, const Asked& asked, const Person& person) {
  Granted granted{TRY(access_for(call, person.principal, asked)), {}, {}};
  granted.access.scopes = asked.scopes;
  granted.access.session = person.session.id;
  granted.access.methods = person.session.proof.methods;
  bool adfs = is_adfs(call.context);
  const std::string& client_id = call.client.app.app_id;
  directory::AppAccess own =
      TRY(call.parts.directory.app_access(person.principal.object_id, client_id));
  if (own.refused) return not_assigned(person.principal, call.client.app.name);
  if (asked.openid || adfs)
    granted.signed_in = SignedIn{person.principal,
                                 client_id,
                                 person.nonce,
                                 person.session.id,
                                 person.session.proof.time,
                                 person.session.proof.methods,
                                 adfs,
                                 std::move(own.roles)};
  return granted;
}

Error bad_code(int number, std::string_view why) { return oauth("invalid_grant", number, why); }

// RFC 7636 §4.6, S256 alone.
bool verifies(const AuthorizationCode& code, const std::string& verifier) {
  return equal_constant_time(to_base64url(crypto::sha256(verifier)), code.challenge);
}

Result<void> check_code(const TokenCall& call, const AuthorizationCode& code) {
  if (code.app_id != call.client.app.app_id)
    return bad_code(700005, "The code was issued to another application.");
  if (code.expires <= now())
    return bad_code(70008, "The provided authorization code has expired. Sign in again.");
  if (code.redirect_uri != call.form["redirect_uri"])
    return bad_code(500112,
                    "The reply address does not match the one the code was requested with.");
  if (code.challenge.empty()) return {};  // a confidential client that did not ask for PKCE
  if (!verifies(code, call.form["code_verifier"]))
    return bad_code(501481, "The Code_Verifier does not match the code_challenge.");
  return {};
}

}  // namespace

Result<void> add_roles(directory::Directory& directory, const Asked& asked, Access& access) {
  if (asked.app_id.empty()) return {};
  directory::AppAccess given = TRY(directory.app_access(access.subject.object_id, asked.app_id));
  if (given.refused) return not_assigned(access.subject, asked.resource);
  access.roles = std::move(given.roles);
  return {};
}

std::string hash_code(std::string_view code) { return to_hex(crypto::sha256(code)); }

// RFC 6749 §4.4.
Result<Granted> grant_client_credentials(TokenCall& call) {
  if (call.client.proof == ClientProof::kNone)
    return oauth("invalid_client", 7000216,
                 "'client_assertion', 'client_secret' or 'request' is required for the "
                 "'client_credentials' grant type.");
  for (std::string_view each : split(call.form["scope"], ' '))
    if (!each.empty() && !each.ends_with("/.default"))
      return oauth("invalid_scope", 1002012,
                   "The provided value for scope is not valid: client credentials take an "
                   "application's URI with /.default.");
  Asked asked = TRY(asked_of(call, {}));
  call.log.resource = asked.audience;
  if (!call.client.principal)
    return oauth("invalid_client", 7000229,
                 cat({"The client application ", call.client.app.app_id,
                      " is missing a service principal in the tenant."}));
  call.log.object_id = call.client.principal->object_id;
  call.log.name = call.client.principal->name;
  return Granted{TRY(access_for(call, *call.client.principal, asked)), {}, {}};
}

// RFC 6749 §4.1.3. A code that comes twice ends what was made from it.
Result<Granted> grant_authorization_code(TokenCall& call) {
  TRY(need_proof(call.client));
  std::string hash = hash_code(call.form["code"]);
  auto code = TRY(
      call.parts.handle.read([&](db::Reader& reader) { return SessionStore::code(reader, hash); }));
  if (!code) return bad_code(9002313, "The authorization code is malformed or not known.");
  call.log.object_id = code->proof.object_id;
  TRY(check_code(call, *code));
  Asked asked = TRY(asked_of(call, code->scopes));
  call.log.resource = asked.audience;
  directory::Principal person = TRY(call.parts.sessions.check_person(code->proof));
  call.log.name = person.upn;
  Session session = Sessions::fresh(code->app_id, code->scopes, code->proof, now());
  Granted granted = TRY(grant_person(call, asked, {person, session, code->nonce}));
  std::string earlier = TRY(call.parts.handle.write([&](db::Tx& tx) -> Result<std::string> {
    auto now_stored = TRY(SessionStore::code(tx, hash));
    if (!now_stored || !now_stored->session.empty()) {
      if (now_stored) TRY(call.parts.sessions.end(tx, now_stored->session));
      return std::string("used");
    }
    TRY(SessionStore::use_code(tx, hash, session.id));
    TRY(call.parts.sessions.add(tx, session));
    return std::string();
  }));
  if (!earlier.empty())
    return bad_code(
        54005,
        "The authorization code was already redeemed. What it was redeemed for has been "
        "revoked; sign in again.");
  if (asked.offline || is_adfs(call.context) || call.form.has("resource"))
    granted.refresh_token = call.parts.sessions.refresh_token(session);
  return granted;
}

// RFC 6749 §6, rotating.
Result<Granted> grant_refresh_token(TokenCall& call) {
  TRY(need_proof(call.client));
  // What is asked for is judged before the token is used up.
  Session session = TRY(call.parts.sessions.look(call.form["refresh_token"]));
  call.log.object_id = session.proof.object_id;
  directory::Principal person = TRY(call.parts.sessions.check_person(session.proof));
  call.log.name = person.upn;
  Asked asked = TRY(asked_of(call, session.scopes));
  call.log.resource = asked.audience;
  Granted granted = TRY(grant_person(call, asked, {person, session, {}}));
  Sessions::Grant grant =
      TRY(call.parts.sessions.redeem(call.form["refresh_token"], call.client.app.app_id));
  granted.refresh_token = std::move(grant.refresh_token);
  return granted;
}

namespace {

// RFC 8628 §3.5. Polls are counted whatever comes of them: what is refused is a value here, not an
// error.
Result<std::optional<Error>> refuse_poll(db::Tx& tx, const TokenCall& call,
                                         const std::optional<DeviceCode>& code, Timestamp time) {
  using Refused = std::optional<Error>;
  if (!code || code->app_id != call.client.app.app_id || code->state == "used")
    return Refused(oauth("bad_verification_code", 70018, "Invalid verification code."));
  if (code->expires <= time)
    return Refused(oauth("expired_token", 70020, "The provided device code has expired."));
  if (code->state == "denied")
    return Refused(oauth("authorization_declined", 70016, "The person declined to sign in."));
  if (code->state != "pending") return Refused();
  bool early = time < code->polled + std::chrono::seconds(code->interval_s - 1);
  TRY(SessionStore::set_device_polled(tx, code->hash, time, code->interval_s + (early ? 5 : 0)));
  return Refused(early ? oauth("slow_down", 70016, "The client polls too often.")
                       : oauth("authorization_pending", 70016,
                               "The person has not finished signing in yet. Keep polling."));
}

}  // namespace

// RFC 8628 §3.4. 1. The code; 2. all else that is asked; 3. the code is used up.
Result<Granted> grant_device_code(TokenCall& call) {
  TRY(need_proof(call.client));
  const std::string& given =
      call.form.has("device_code") ? call.form["device_code"] : call.form["code"];  // v1's name
  std::string hash = hash_code(given);
  Timestamp time = now();
  std::optional<DeviceCode> code;
  auto refused = TRY(call.parts.handle.write([&](db::Tx& tx) -> Result<std::optional<Error>> {
    code = TRY(SessionStore::device(tx, hash));
    return refuse_poll(tx, call, code, time);
  }));
  if (code) call.log.object_id = code->proof.object_id;
  if (refused) return *refused;
  Session session = Sessions::fresh(code->app_id, code->scopes, code->proof, time);
  directory::Principal person = TRY(call.parts.sessions.check_person(session.proof));
  call.log.name = person.upn;
  Asked asked = TRY(asked_of(call, session.scopes));
  call.log.resource = asked.audience;
  Granted granted = TRY(grant_person(call, asked, {person, session, {}}));
  TRY(call.parts.handle.write([&](db::Tx& tx) -> Result<void> {
    auto latest = TRY(SessionStore::device(tx, hash));
    if (!latest || latest->state != "approved")
      return oauth("bad_verification_code", 70018, "Invalid verification code.");
    TRY(SessionStore::set_device_state(tx, hash, "used", latest->proof));
    return call.parts.sessions.add(tx, session);
  }));
  granted.refresh_token = call.parts.sessions.refresh_token(session);
  return granted;
}

namespace {

// The assertion must be for the client that presents it.
Result<std::shared_ptr<const Checked>> check_parent(const TokenCall& call) {
  const std::string& assertion = call.form["assertion"];
  std::vector<std::string> audiences = {call.client.app.app_id};
  if (auto app = TRY(call.parts.directory.find_application(call.client.app.app_id)))
    audiences.insert(audiences.end(), app->identifier_uris.begin(), app->identifier_uris.end());
  Result<std::shared_ptr<const Checked>> checked = internal_error("no audience");
  for (const std::string& audience : audiences) {
    checked = call.parts.tokens.check(assertion, audience);
    if (checked.ok()) return checked;
  }
  return oauth("invalid_grant", 50013,
               cat({"The assertion failed: ", checked.error().message,
                    " It must be an access token for this application."}));
}

}  // namespace

// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
// The new token is the same person's and neither exceeds nor outlives the one it comes from; so
// there is no refresh token either.
Result<Granted> grant_on_behalf_of(TokenCall& call) {
  if (call.form["requested_token_use"] != "on_behalf_of")
    return oauth("invalid_request", 900144, "'requested_token_use' must be 'on_behalf_of'.");
  if (call.client.proof == ClientProof::kNone)
    return oauth("invalid_client", 7000218,
                 "The request body must contain the following parameter: 'client_assertion' or "
                 "'client_secret'.");
  std::shared_ptr<const Checked> parent = TRY(check_parent(call));
  if (parent->scopes.empty())
    return oauth("invalid_grant", 7000114,
                 "On-behalf-of needs a person's token; this one is an application's own.");
  auto person = TRY(call.parts.directory.find_by_object_id(parent->verified.object_id));
  if (!person) return oauth("invalid_grant", 50034, "The user account does not exist.");
  call.log.object_id = person->object_id;
  call.log.name = person->upn;
  Asked asked = TRY(asked_of(call, {}));
  call.log.resource = asked.audience;
  Granted granted{TRY(access_for(call, *person, asked)), {}, {}};
  granted.access.scopes = asked.scopes;
  granted.access.session = parent->session;
  granted.access.job_id = parent->job_id;
  granted.access.grants = parent->verified.grants.value_or(std::vector<core::Grant>());
  granted.access.lifetime =
      std::min<Duration>(granted.access.lifetime, parent->verified.expires - now());
  return granted;
}

}  // namespace lazuli::identity
