// SPDX-License-Identifier: Apache-2.0
#include "services/identity/sessions.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "services/identity/key_ring.h"
#include "services/identity/oauth.h"

namespace lazuli::identity {
namespace {

constexpr std::string_view kPrefix = "1.";
constexpr size_t kMacSize = 32;

enum class Outcome { kUnknown, kEnded, kExpired, kForeign, kReused, kRepeated, kRotated };

struct Redeemed {
  Outcome outcome = Outcome::kUnknown;
  Session session;
};

Outcome judge(const Session& session, const std::string& app_id, int64_t counter, Timestamp time) {
  if (session.app_id != app_id) return Outcome::kForeign;
  if (session.ended) return Outcome::kEnded;
  if (session.expires <= time) return Outcome::kExpired;
  if (counter == session.counter) return Outcome::kRotated;
  bool repeated = counter + 1 == session.counter && time <= session.rotated + kReuseLeeway;
  return repeated ? Outcome::kRepeated : Outcome::kReused;
}

Error refused(Outcome outcome) {
  switch (outcome) {
    case Outcome::kExpired:
      return oauth("invalid_grant", 700082,
                   "The refresh token has expired due to inactivity. Sign in again.");
    case Outcome::kReused:
      return oauth("invalid_grant", 70000,
                   "The refresh token was used before. The session has been ended for safety; sign "
                   "in again.");
    case Outcome::kForeign:
      return oauth("invalid_grant", 700005, "The refresh token was issued to another application.");
    case Outcome::kEnded:
      return oauth("invalid_grant", 50173, "The session has been revoked. Sign in again.");
    default:
      return oauth("invalid_grant", 9002313, "The refresh token is malformed or not known.");
  }
}

}  // namespace

Session Sessions::fresh(const std::string& app_id, const std::string& scopes, const Proof& proof,
                        Timestamp time) {
  return {new_uuid(), app_id, scopes, proof, 0, time, time + kSessionLife, false};
}

SecretString Sessions::refresh_token(const Session& session) const {
  return SecretString(make_token(session.id, session.counter));
}

std::string Sessions::make_token(const std::string& id, int64_t counter) const {
  std::string named = cat({id, ".", std::to_string(counter)});
  return cat({kPrefix, to_base64url(cat({crypto::hmac_sha256(key_.expose(), named), named}))});
}

Result<Sessions::Named> Sessions::read_token(std::string_view token) const {
  if (!token.starts_with(kPrefix) || token.size() > 256) return refused(Outcome::kUnknown);
  auto bytes = from_base64url(token.substr(kPrefix.size()));
  if (!bytes.ok() || bytes->size() <= kMacSize) return refused(Outcome::kUnknown);
  std::string named = bytes->substr(kMacSize);
  std::string mac = crypto::hmac_sha256(key_.expose(), named);
  if (!equal_constant_time(mac, std::string_view(*bytes).substr(0, kMacSize)))
    return refused(Outcome::kUnknown);
  size_t dot = named.find('.');
  auto counter = parse_int(std::string_view(named).substr(dot + 1));
  if (dot == std::string::npos || !counter) return refused(Outcome::kUnknown);
  return Named{named.substr(0, dot), *counter};
}

Result<Session> Sessions::look(std::string_view refresh_token) {
  Named named = TRY(read_token(refresh_token));
  auto session = TRY(
      handle_.read([&](db::Reader& reader) { return SessionStore::session(reader, named.id); }));
  if (!session) return refused(Outcome::kUnknown);
  return std::move(*session);
}

Result<Sessions::Grant> Sessions::redeem(std::string_view refresh_token, const std::string& app_id,
                                         Timestamp time) {
  Named named = TRY(read_token(refresh_token));
  // The end of a session must be kept although the request fails: the outcome is no error here.
  Redeemed redeemed = TRY(handle_.write([&](db::Tx& tx) -> Result<Redeemed> {
    auto session = TRY(SessionStore::session(tx, named.id));
    if (!session) return Redeemed{};
    Redeemed result{judge(*session, app_id, named.counter, time), std::move(*session)};
    if (result.outcome == Outcome::kReused) TRY(end(tx, named.id, time));
    if (result.outcome == Outcome::kRotated) {
      ++result.session.counter;
      result.session.expires = time + kSessionLife;
      TRY(SessionStore::rotate_session(tx, named.id, result.session.counter, time,
                                       result.session.expires));
    }
    return result;
  }));
  if (redeemed.outcome == Outcome::kReused)
    log::warning("identity", "a refresh token came twice; its session has been ended",
                 {{"session", named.id}, {"object", redeemed.session.proof.object_id}});
  if (redeemed.outcome != Outcome::kRotated && redeemed.outcome != Outcome::kRepeated)
    return refused(redeemed.outcome);
  SecretString next(make_token(named.id, redeemed.session.counter));
  return Grant{std::move(redeemed.session), std::move(next)};
}

Result<void> Sessions::end(db::Tx& tx, const std::string& id, Timestamp time) {
  TRY(SessionStore::end_session(tx, id));
  return revocations_.add(tx, kSessionEnded, id, time + kTokenLifetimeMax);
}

Result<directory::Principal> Sessions::check_person(const Proof& proof) {
  auto person = TRY(directory_.find_by_object_id(proof.object_id));
  directory::Standing standing = TRY(directory_.standing(proof.object_id));
  if (!person || !standing.exists)
    return oauth("invalid_grant", 50034, "The user account does not exist in the directory.");
  if (!standing.enabled) return oauth("invalid_grant", 50057, "The user account is disabled.");
  if (!standing.admits(proof.time))
    return oauth("invalid_grant", 50173,
                 "The grant has been revoked since: the password was changed or sessions were "
                 "ended. Sign in again.");
  return *person;
}

}  // namespace lazuli::identity
