// SPDX-License-Identifier: Apache-2.0
#include "services/directory/passwords.h"

#include <algorithm>

#include "services/directory/credential_store.h"
#include "services/directory/principals.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr int64_t kFailuresMax = 10;
constexpr Duration kLockMin = std::chrono::minutes(1);
constexpr Duration kLockMax = std::chrono::hours(1);
constexpr size_t kPasswordSizeMax = 256;

// A hash of nothing anybody knows: looking up nobody takes as long as looking up somebody.
constexpr std::string_view kNobodysHash =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
    "kq3x0cJ7m0v3m2J3q5b8o0rW9oQyq0b9f2Q5C8tq1xE";

// From the tenth wrong attempt on, each locks for twice as long as the one before.
// Before that nothing is locked, not even for the instant: attempts overtake each other.
Timestamp locked_until(int64_t failures, Timestamp time) {
  if (failures < kFailuresMax) return {};
  int64_t doublings = std::min<int64_t>(failures - kFailuresMax, 10);
  return time + std::min(kLockMax, kLockMin * (int64_t{1} << doublings));
}

}  // namespace

struct Passwords::Attempt {
  std::optional<Object> user;
  std::optional<Password> password;
  bool locked = false;
  int64_t counted = 0;  // failures in a row, this attempt among them
};

Result<void> check_password_strength(const SecretString& password) {
  std::string_view text = password.expose();
  int kinds[4] = {};
  for (unsigned char c : text) {
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    kinds[lower ? 0 : upper ? 1 : digit ? 2 : 3] = 1;
  }
  int classes = kinds[0] + kinds[1] + kinds[2] + kinds[3];
  if (text.size() >= 8 && text.size() <= kPasswordSizeMax && classes >= 3) return {};
  return invalid_argument(
      "The specified password does not comply with password complexity requirements: 8 to 256 "
      "characters, of three of these kinds: lower case, upper case, digits, others.",
      "Request_BadRequest");
}

Result<std::string> Passwords::hash(const SecretString& password) {
  TRY(check_password_strength(password));
  return hasher_.hash(password);
}

// The attempt is counted before the password is looked at: guesses in parallel count as well.
Result<Passwords::Attempt> Passwords::begin(const std::string& upn) {
  Timestamp time = now();
  return handle_.write([&](db::Tx& tx) -> Result<Attempt> {
    Attempt attempt;
    attempt.user = TRY(Store::find_by_upn(tx, upn));
    if (!attempt.user) return attempt;
    attempt.password = TRY(CredentialStore::password_of(tx, attempt.user->object_id));
    if (!attempt.password) return attempt;
    attempt.locked = attempt.password->locked_until > time;
    if (attempt.locked) return attempt;
    attempt.counted = attempt.password->failures + 1;
    TRY(CredentialStore::set_failures(tx, attempt.user->object_id, attempt.counted,
                                      locked_until(attempt.counted, time)));
    return attempt;
  });
}

// Attempts that began meanwhile stay counted, and what they have locked stays locked: somebody who
// guesses beside one who knows gains nothing.
Result<void> Passwords::forgive(const Attempt& attempt) {
  const std::string& object_id = attempt.user->object_id;
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    auto stored = TRY(CredentialStore::password_of(tx, object_id));
    if (!stored) return {};
    int64_t later = std::max<int64_t>(0, stored->failures - attempt.counted);
    return CredentialStore::set_failures(tx, object_id, later,
                                         later > 0 ? stored->locked_until : Timestamp{});
  });
}

Result<PasswordAnswer> Passwords::verify(const std::string& upn, const SecretString& password) {
  if (password.expose().size() > kPasswordSizeMax) return PasswordAnswer{};
  Attempt attempt = TRY(begin(upn));
  std::string_view hash = attempt.password ? attempt.password->hash : kNobodysHash;
  bool right = TRY(hasher_.matches(hash, password));  // those that are locked take as long
  if (attempt.locked) return PasswordAnswer{PasswordVerdict::kLocked, {}};
  if (!attempt.password || !right) return PasswordAnswer{};
  TRY(forgive(attempt));
  if (!attempt.user->enabled) return PasswordAnswer{PasswordVerdict::kDisabled, {}};
  return PasswordAnswer{
      attempt.password->must_change ? PasswordVerdict::kMustChange : PasswordVerdict::kAccepted,
      principal_of(*attempt.user)};
}

Result<PasswordVerdict> Passwords::change(const std::string& upn, const SecretString& old,
                                          const SecretString& fresh) {
  PasswordAnswer answer = TRY(verify(upn, old));
  if (!answer.user) return answer.verdict;
  if (old.expose() == fresh.expose())
    return invalid_argument("The new password must differ from the old one.", "Request_BadRequest");
  std::string hashed = TRY(hash(fresh));
  TRY(handle_.write([&](db::Tx& tx) { return set(tx, answer.user->object_id, hashed, false); }));
  return PasswordVerdict::kAccepted;
}

Result<void> Passwords::set(db::Tx& tx, const std::string& object_id, const std::string& hash,
                            bool must_change) {
  auto user = TRY(Store::find(tx, object_id));
  if (!user || user->kind != kUser) return not_found("there is no user " + object_id);
  TRY(CredentialStore::put_password(tx, user->object_id, hash, must_change));
  TRY(Store::set_not_before(tx, user->object_id, now()));
  return changes_.record(tx, user->object_id, kUser, "credentials");
}

}  // namespace lazuli::directory
